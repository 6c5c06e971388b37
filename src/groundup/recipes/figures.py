"""What the recipes' page of the report shows, as plain data."""

from __future__ import annotations

from groundup.facts.catalogue import Catalogue
from groundup.facts.figures import Bar, Bars, Figure, Table
from groundup.facts.layer import Ask
from groundup.models.scaling import LOSS_FITS
from groundup.recipes.config import RecipesConfig
from groundup.recipes.plan import FITS, quality

_STAGES = ("pretrain", "long_context", "post_training", "retriever", "sft")


def figures(
    config: RecipesConfig, ask: Ask, facts: Catalogue, samples: int = 0
) -> tuple[Figure, ...]:
    """Compute by stage, and what each named fit says of the plan's model.

    `ask` is a plan's ask after `demand`; without training there is nothing to show.
    """
    if "pretrain_flop" not in ask or "parameters" not in ask:
        return ()
    return stages(ask), fits(ask, facts, samples)


def stages(ask: Ask) -> Bars:
    """FLOPs of every stage of training."""
    parts = tuple(
        (name.replace("_", " "), ask[f"{name}_flop"].to("FLOP").value)
        for name in _STAGES
        if f"{name}_flop" in ask
    )
    note = "Later stages as shares of pretraining on record, or as the budget's shares."
    return Bars("Compute by stage", "FLOP", (Bar("this plan", parts),), note)


def fits(ask: Ask, facts: Catalogue, samples: int = 0) -> Table:
    """Loss, and tokens a parameter against the best, by named fit; none below what was fitted."""
    found = quality(ask, facts, samples)
    rows = tuple(
        (
            LOSS_FITS[fit],
            found.get(f"loss_{fit}"),
            found["tokens_per_parameter"],
            found.get(f"optimal_tokens_per_parameter_{fit}"),
            found.get("compute_over_optimum") if fit == FITS[0] else None,
        )
        for fit in FITS
    )
    heads = ("fit", "loss (nats a token)", "tokens a parameter", "best at this compute",
             "compute over the least for this loss")  # fmt: skip
    note = "Models with experts count with their active parameters: an upper bound of the loss."
    return Table("What named scaling laws say of this plan", heads, rows, note)
