"""Opens the served assistant from the parts of a release."""

from __future__ import annotations

from pathlib import Path

from groundup.middleware.answers import Assistant
from groundup.middleware.judge import Judge
from groundup.middleware.policy import load_policy
from groundup.middleware.retrieval import Retriever
from groundup.middleware.router import load_router


def open_assistant(
    index: Path,
    encoder: Path | None = None,
    tokenizer: Path | None = None,
    judge: Judge | None = None,
) -> Assistant:
    """The assistant over an index directory, with the models that its policy uses.

    `judge` is the language model as `judge.Judge`; it is asked only where policy.json says that
    it was better than the rules. ArtifactError when a part is missing.
    """
    retriever = Retriever.open(index, encoder, tokenizer)
    policy = load_policy(index)
    reader = retriever.encoder
    if reader is None:
        return Assistant(retriever, policy)
    router = load_router(index) if (index / "router.npz").is_file() else None
    words = reader.tokenizer
    return Assistant(
        retriever,
        policy,
        None if router is None else (lambda question: router.route(reader.encode([question]))[0]),
        None if judge is None else judge.choose,
        lambda text: len(words.encode(text, add_special_tokens=False).ids),
    )
