"""Byte-level BPE trained on the train split, with a report of fertility and round trips."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from groundup.data.document import HELD_OUT, Document
from groundup.data.split import fraction
from groundup.data.store import Progress, iterate_documents, quiet
from groundup.facts.errors import DataError
from groundup.facts.files import replacing, write_json

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|pad|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|context|>",
    "<|end|>",
)
END = 0  # id of <|endoftext|>, which closes each document of the shards
FILE = "tokenizer.json"

# GPT-4's split (cl100k_base, github.com/openai/tiktoken, tiktoken_ext/openai_public.py)
PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MAX_TOKEN_LENGTH = 16  # bytes: longer merges are boilerplate (licence lines, rulers)
SAMPLE_BYTES = 16_000_000  # of training text: bounds time and memory on any corpus
REPORT_BYTES = 6_000_000  # of held-out text measured for the report
Metrics = dict[str, float | int | str]


def train_tokenizer(
    documents: Path, vocabulary: int, out: Path, progress: Progress = quiet
) -> Metrics:
    """Train on a sample of the train split in `documents`; write tokenizer.json and report.json.

    vocabulary: tokens in all, special ones and the 256 bytes included.
    Raises DataError where there is nothing to train on.
    """
    started = time.perf_counter()
    sample = training_sample(documents)
    if not sample:
        raise DataError(f"{documents}: no training documents for a tokenizer")
    size = sum(len(text) for text in sample)
    tokenizer = new_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=MAX_TOKEN_LENGTH,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_counted(sample, size, progress), trainer, len(sample))
    out.mkdir(parents=True, exist_ok=True)
    with replacing(out / FILE) as temporary:
        tokenizer.save(str(temporary))
    seconds = time.perf_counter() - started
    report = fertility(tokenizer, documents, progress)
    report |= {"vocabulary": tokenizer.get_vocab_size(), "sample_characters": size}
    report |= {"train_seconds": round(seconds, 2), "pattern": PATTERN, "digest": digest(out)}
    write_json(out / "report.json", report)
    return {key: value for key, value in report.items() if isinstance(value, float | int | str)}


def new_tokenizer() -> Tokenizer:
    """An untrained byte-level BPE: any bytes of valid UTF-8 come back exactly."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def load_tokenizer(directory: Path) -> Tokenizer:
    """The tokenizer in a directory; raises DataError."""
    path = directory / FILE
    if not path.is_file():
        raise DataError(f"{path}: no such file; train a tokenizer first")
    return Tokenizer.from_file(str(path))


def as_text(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer set to read `<|endoftext|>` in a text as mere text, never as the token."""
    tokenizer.encode_special_tokens = True
    return tokenizer


def digest(directory: Path) -> str:
    """SHA-256 of tokenizer.json."""
    return hashlib.sha256((directory / FILE).read_bytes()).hexdigest()


def training_sample(documents: Path) -> list[str]:
    """Texts of training documents in the order of their hash, until SAMPLE_BYTES are full."""
    sizes = [
        (fraction(document.doc_id), document.doc_id, len(document.text))
        for document in iterate_documents(documents)
        if document.split != HELD_OUT
    ]
    chosen, total = set(), 0
    for _, doc_id, size in sorted(sizes):
        if total and total + size > SAMPLE_BYTES:
            continue
        chosen.add(doc_id)
        total += size
    return [d.text for d in iterate_documents(documents) if d.doc_id in chosen]


def _counted(sample: list[str], size: int, progress: Progress) -> Iterator[str]:
    done = 0
    for text in sample:
        yield text
        done += len(text)
        progress("count words for the tokenizer", done, size)


def fertility(tokenizer: Tokenizer, documents: Path, progress: Progress) -> dict[str, Any]:
    """Tokens a word and bytes a token by kind of held-out document, and exact round trips.

    Without held-out documents the training ones are measured, and the report says so.
    """
    measured = list(_measured(documents))
    as_text(tokenizer)
    kinds: dict[str, dict[str, int]] = {}
    exact = 0
    for number, document in enumerate(measured, 1):
        ids = tokenizer.encode(document.text, add_special_tokens=False).ids
        exact += tokenizer.decode(ids, skip_special_tokens=False) == document.text
        row = kinds.setdefault(document.kind, {"documents": 0, "tokens": 0, "words": 0, "bytes": 0})
        row["documents"] += 1
        row["tokens"] += len(ids)
        row["words"] += len(re.findall(r"\w+", document.text))
        row["bytes"] += len(document.text.encode())
        progress("measure the tokenizer", number, len(measured))
    total = {key: sum(row[key] for row in kinds.values()) for key in ("tokens", "words", "bytes")}
    return {
        "measured_on": measured[0].split if measured else "",
        "documents_measured": len(measured),
        "round_trip": exact / len(measured) if measured else 0.0,
        "tokens_per_word": _ratio(total["tokens"], total["words"]),
        "bytes_per_token": _ratio(total["bytes"], total["tokens"]),
        "by_kind": {
            kind: {
                **row,
                "tokens_per_word": _ratio(row["tokens"], row["words"]),
                "bytes_per_token": _ratio(row["bytes"], row["tokens"]),
            }
            for kind, row in sorted(kinds.items())
        },
    }


def _ratio(a: int, b: int) -> float:
    return round(a / b, 4) if b else 0.0


def _measured(documents: Path) -> Iterable[Document]:
    """Held-out documents, up to REPORT_BYTES; training ones where nothing is held out."""
    splits = {document.split for document in iterate_documents(documents)}
    side = HELD_OUT if HELD_OUT in splits else next(iter(splits))
    room = REPORT_BYTES
    for document in iterate_documents(documents):
        if document.split == side and room > 0:
            room -= len(document.text)
            yield document
