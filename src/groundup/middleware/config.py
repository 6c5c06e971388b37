"""The `[middleware]` and `[gates]` tables of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of
from groundup.facts.errors import ConfigError


@dataclass(frozen=True)
class MiddlewareConfig:
    """Retrieval and grounded answering."""

    retriever: str = "auto"
    """`auto` (the best by the gate), `bm25`, `encoder` or `fusion`."""

    passages: int = 8
    """Passages retrieved for one question."""

    embedding_width: int = 192
    """Width of the bi-encoder's vectors."""

    light_share: float = 0.0
    """Share of model calls that a router sends to a lighter model, for the plan (0 to below 1)."""

    light_cost_ratio: float | None = None
    """Cost of a light call over one of this stack's model; needed where `light_share` is set."""

    router_overhead: float | None = None
    """Cost of a routing decision over a heavy call; without it the published one is taken."""

    steps_per_task: int = 1
    """Model calls that a question takes when an agent works on it in steps."""

    step_success: float | None = None
    """Probability that a single step is right; with it the plan says how many tasks succeed."""

    retries: int = 0
    """Times a step is tried again when its check rejects it; only with the two rates below."""

    check_accepts_right: float | None = None
    """Probability that the check of a step accepts a right one; without it nothing is checked."""

    check_accepts_wrong: float | None = None
    """Probability that the check of a step accepts a wrong one."""

    person_does_stuck_steps: bool = False
    """A person does a step that was never accepted; else the task stops there."""

    def __post_init__(self) -> None:
        one_of("middleware.retriever", self.retriever, ("auto", "bm25", "encoder", "fusion"))
        in_range("middleware.passages", self.passages, 1, 100)
        in_range("middleware.embedding_width", self.embedding_width, 8, 4096)
        in_range("middleware.light_share", self.light_share, 0, 0.999)
        in_range("middleware.steps_per_task", self.steps_per_task, 1, 100_000)
        in_range("middleware.retries", self.retries, 0, 1000)
        for key in ("step_success", "check_accepts_right", "check_accepts_wrong"):
            if getattr(self, key) is not None:
                in_range(f"middleware.{key}", getattr(self, key), 0, 1)
        for key in ("light_cost_ratio", "router_overhead"):
            if getattr(self, key) is not None:
                in_range(f"middleware.{key}", getattr(self, key), 0)
        self._together()

    def _together(self) -> None:
        """Refuse keys that say something only with another one."""
        if self.light_share and self.light_cost_ratio is None:
            raise ConfigError(
                f"middleware.light_share = {self.light_share!r}: also set "
                "middleware.light_cost_ratio, what a light call costs over a heavy one"
            )
        checked = (self.check_accepts_right is None, self.check_accepts_wrong is None)
        if checked[0] != checked[1]:
            raise ConfigError(
                "middleware.check_accepts_right and middleware.check_accepts_wrong: set both "
                "rates of the check, or neither"
            )
        if not checked[0] and self.step_success is None:
            raise ConfigError(
                "middleware.check_accepts_right needs middleware.step_success: how often a step "
                "is tried follows from both"
            )
        if self.retries and checked[0]:
            raise ConfigError(
                f"middleware.retries = {self.retries}: a step is tried again when a check rejects "
                "it; set middleware.check_accepts_right and middleware.check_accepts_wrong"
            )


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
