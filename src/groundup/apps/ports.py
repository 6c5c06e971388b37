"""What the product needs from the floors below, as small protocols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
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


class Piece(Protocol):
    """One step of a generation."""

    @property
    def token(self) -> int:
        """Token id; -1 where a last piece only carries waiting text."""

    @property
    def text(self) -> str:
        """Text that became certain with it, often empty."""

    @property
    def finish(self) -> str:
        """`stop` or `length` on the last piece."""


class LanguageModel(Protocol):
    """The raw decoder and its tokenizer."""

    context: int
    """Longest prompt and continuation together, in tokens."""

    table: list[bytes]
    """Bytes of every token id."""

    def encode(self, text: str) -> list[int]:
        """Token ids of a text; special tokens in it are read as text."""

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids."""

    def generate(
        self,
        prompt_ids: Sequence[int],
        max_new: int,
        temperature: float,
        top_p: float,
        stop: Sequence[str],
        seed: int,
    ) -> Iterator[Piece]:
        """Continue a prompt token by token; the last piece says why it ended."""


class Encoder(Protocol):
    """Texts to unit vectors."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of shape (texts, width)."""


class Meter(Protocol):
    """Energy of a `with` block, readable when the block has ended."""

    joules: float
    """Best value."""

    low: float
    """Least that it may be."""

    high: float
    """Most that it may be."""

    method: str
    """How it was found: `rapl` when metered, else `estimate: …`."""

    def __enter__(self) -> Meter:
        """Start."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Stop."""
