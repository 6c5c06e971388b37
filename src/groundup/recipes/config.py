"""The `[recipes]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range


@dataclass(frozen=True)
class RecipesConfig:
    """The one dial, and how the budget is shared."""

    budget_minutes: float = 5.0
    """Minutes of training on this machine, pretraining, retriever and SFT together."""

    pretrain_share: float = 0.6
    """Share of the budget for pretraining."""

    retriever_share: float = 0.25
    """Share of the budget for the bi-encoder."""

    sft_share: float = 0.15
    """Share of the budget for supervised fine-tuning."""

    def __post_init__(self) -> None:
        in_range("recipes.budget_minutes", self.budget_minutes, 0.05)
        in_range("recipes.pretrain_share", self.pretrain_share, 0, 1)
        in_range("recipes.retriever_share", self.retriever_share, 0, 1)
        in_range("recipes.sft_share", self.sft_share, 0, 1)
        total = round(self.pretrain_share + self.retriever_share + self.sft_share, 9)
        in_range("recipes.*_share added up", total, 0, 1)
