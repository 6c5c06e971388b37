"""The `[data]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range


@dataclass(frozen=True)
class DataConfig:
    """What the model reads."""

    python: bool = True
    """Collect the standard library and the installed packages of this machine's Python."""

    docs: tuple[str, ...] = ()
    """Folders of your own (Markdown, HTML, text, PDF, Python), from where this file stands."""

    packages: tuple[str, ...] = ()
    """Distributions to collect; empty means every installed one."""

    max_mib_per_package: float = 8.0
    """Largest amount of source text taken from one distribution, in MiB."""

    held_out: float = 0.05
    """Share of the documents kept out of all training, for evaluation (0 to 0.5)."""

    near_duplicate: float = 0.8
    """Jaccard similarity of word 5-grams from which two documents count as the same."""

    vocabulary: int = 4096
    """Tokens of the byte-level BPE vocabulary, special tokens included."""

    train_tokens: float | None = None
    """Tokens to train on (plan only, e.g. 15.6e12); without it the budget decides."""

    def __post_init__(self) -> None:
        in_range("data.max_mib_per_package", self.max_mib_per_package, 0)
        in_range("data.held_out", self.held_out, 0, 0.5)
        in_range("data.near_duplicate", self.near_duplicate, 0, 1)
        in_range("data.vocabulary", self.vocabulary, 300, 65535)
        if self.train_tokens is not None:
            in_range("data.train_tokens", self.train_tokens, 0)
