"""What the product needs from the floors below, as small protocols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Citation(Protocol):
    """One quoted span of a document; lines are 1-based and inclusive."""

    @property
    def uri(self) -> str:
        """Stable readable name of the document."""

    @property
    def path(self) -> str:
        """Real file on this machine, empty when the text was generated."""

    @property
    def start_line(self) -> int:
        """First quoted line."""

    @property
    def end_line(self) -> int:
        """Last quoted line."""

    @property
    def quote(self) -> str:
        """The words of the document."""


class Answer(Protocol):
    """What the assistant says to one question."""

    @property
    def text(self) -> str:
        """Markdown text of the answer."""

    @property
    def citations(self) -> Sequence[Citation]:
        """Spans the answer rests on."""

    @property
    def abstained(self) -> bool:
        """Whether the assistant declined."""

    @property
    def reason(self) -> str:
        """Why it declined, or how it found the answer."""


class Assistant(Protocol):
    """Grounded answers."""

    def answer(self, question: str, earlier: Sequence[str] = ()) -> Answer:
        """Answer one question; `earlier` are the person's earlier questions, oldest first."""


class Tokenizer(Protocol):
    """Text to token ids and back."""

    def encode(self, text: str) -> Sequence[int]:
        """Token ids of a text."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids."""


class LanguageModel(Protocol):
    """The raw decoder: one token at a time."""

    @property
    def context(self) -> int:
        """Longest prompt and continuation together, in tokens."""

    @property
    def vocabulary(self) -> int:
        """Number of token ids."""

    @property
    def end_token(self) -> int:
        """Id of the end-of-text token."""

    def generate(
        self,
        prompt_ids: Sequence[int],
        max_new: int,
        temperature: float,
        top_p: float,
        seed: int | None,
    ) -> Iterator[int]:
        """Yield new token ids; ends after `max_new` tokens or at the end-of-text token."""


class Encoder(Protocol):
    """Texts to unit vectors."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of shape (texts, width)."""


class Reading(Protocol):
    """Energy since a meter was started."""

    @property
    def joules(self) -> float:
        """Best value."""

    @property
    def low(self) -> float:
        """Least that it may be."""

    @property
    def high(self) -> float:
        """Most that it may be."""

    @property
    def method(self) -> str:
        """How it was found: `rapl…` when metered, else `estimate: …`."""


class Meter(Protocol):
    """Measures energy inside a `with` block."""

    def read(self) -> Reading:
        """Return the energy since the block began."""

    def __enter__(self) -> Meter:
        """Start."""

    def __exit__(self, *exc: object) -> None:
        """Stop."""
