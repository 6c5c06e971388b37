"""The chat format: one token a role, the text, one token for its end; and the files that say so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundup.facts.errors import ArtifactError, DataError
from groundup.facts.files import write_json

BEGIN, PAD, END = 0, 1, 6
"""<|endoftext|>, <|pad|> and <|end|>."""

ROLES = {"system": 2, "user": 3, "assistant": 4, "context": 5}
"""Role token of each role; `context` carries retrieved passages."""

Message = Mapping[str, str]

TEMPLATE = (
    "{{- '<|endoftext|>' -}}"
    "{%- for message in messages -%}"
    "{%- if message['role'] not in ['system', 'user', 'assistant', 'context'] -%}"
    "{{- raise_exception('unknown role ' + message['role']) -}}"
    "{%- endif -%}"
    "{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)
"""The same format in Jinja, for every tool that reads tokenizer_config.json."""


def load_tokenizer(directory: Path) -> Any:
    """The `tokenizers.Tokenizer` of a directory, set to read special tokens in text as plain text.

    A document that contains the characters `<|end|>` can then not end a message. Raises
    ArtifactError when tokenizer.json is missing.
    """
    from tokenizers import Tokenizer

    path = directory / "tokenizer.json"
    if not path.exists():
        raise ArtifactError(f"{path}: no such file; run the step that trains the tokenizer")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True
    return tokenizer


def encode_chat(
    tokenizer: Any, messages: Sequence[Message], generation_prompt: bool = False
) -> tuple[list[int], list[bool]]:
    """Token ids of a chat and, for each, whether it is learned.

    Learned are the tokens of assistant messages and their <|end|>; role tokens and what others
    say are not. Raises DataError for an unknown role.
    """
    ids, learned = [BEGIN], [False]
    for message in messages:
        role = message["role"]
        if role not in ROLES:
            raise DataError(f"chat: role {role!r}; allowed are {', '.join(ROLES)}")
        text: list[int] = tokenizer.encode(message["content"], add_special_tokens=False).ids
        ids += [ROLES[role], *text, END]
        learned += [False] + [role == "assistant"] * (len(text) + 1)
    if generation_prompt:
        ids.append(ROLES["assistant"])
        learned.append(False)
    return ids, learned


def read_chats(path: Path) -> list[list[dict[str, str]]]:
    """Messages of every line of a chats JSONL; DataError names file and line of a bad one."""
    if not path.exists():
        raise DataError(f"{path}: no such file; run the step that makes questions first")
    chats = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            messages = json.loads(line)["messages"]
            chats.append([{"role": m["role"], "content": m["content"]} for m in messages])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f'{path}:{number}: expected {{"messages": [{{"role", "content"}}, …]}} ({error})'
            ) from None
    return chats


def write_tokenizer_files(tokenizer: Path, model: Path, context: int) -> None:
    """Put tokenizer.json, tokenizer_config.json and generation_config.json beside a model."""
    model.mkdir(parents=True, exist_ok=True)
    if tokenizer.resolve() != model.resolve():
        shutil.copyfile(tokenizer / "tokenizer.json", model / "tokenizer.json")
    write_json(
        model / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<|endoftext|>",
            "eos_token": "<|end|>",
            "pad_token": "<|pad|>",
            "model_max_length": context,
            "clean_up_tokenization_spaces": False,
            "chat_template": TEMPLATE,
        },
    )
    write_json(
        model / "generation_config.json",
        {"bos_token_id": BEGIN, "eos_token_id": [BEGIN, END], "pad_token_id": PAD},
    )
