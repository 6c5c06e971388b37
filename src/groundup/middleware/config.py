"""The `[middleware]` and `[gates]` tables of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of


@dataclass(frozen=True)
class MiddlewareConfig:
    """Retrieval and grounded answering."""

    retriever: str = "auto"
    """`auto` (the best by the gate), `bm25`, `encoder` or `fusion`."""

    passages: int = 8
    """Passages retrieved for one question."""

    embedding_width: int = 192
    """Width of the bi-encoder's vectors."""

    def __post_init__(self) -> None:
        one_of("middleware.retriever", self.retriever, ("auto", "bm25", "encoder", "fusion"))
        in_range("middleware.passages", self.passages, 1, 100)
        in_range("middleware.embedding_width", self.embedding_width, 8, 4096)


@dataclass(frozen=True)
class GatesConfig:
    """Evaluations that a candidate must pass before it is served: unit tests of the pipeline."""

    recall_at_10: float = 0.6
    """Least recall@10 of the served retriever on held-out questions."""

    citation_exactness: float = 0.99
    """Least share of quoted spans that equal the cited lines byte for byte."""

    abstention: float = 0.8
    """Least share of questions without an answer that are declined."""

    answer_accuracy: float = 0.6
    """Least share of answerable held-out questions answered from the right place."""

    bits_per_byte: float = 3.5
    """Most bits per byte on held-out text."""

    round_trip: float = 1.0
    """Least share of held-out documents that the tokenizer gives back byte for byte."""

    quantised_bits_per_byte_loss: float = 0.02
    """Most relative rise of bits per byte through quantisation."""

    def __post_init__(self) -> None:
        in_range("gates.recall_at_10", self.recall_at_10, 0, 1)
        in_range("gates.citation_exactness", self.citation_exactness, 0, 1)
        in_range("gates.abstention", self.abstention, 0, 1)
        in_range("gates.answer_accuracy", self.answer_accuracy, 0, 1)
        in_range("gates.round_trip", self.round_trip, 0, 1)
        in_range("gates.bits_per_byte", self.bits_per_byte, 0)
        in_range("gates.quantised_bits_per_byte_loss", self.quantised_bits_per_byte_loss, 0)
