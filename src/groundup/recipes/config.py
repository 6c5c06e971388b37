"""The `[recipes]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass


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
