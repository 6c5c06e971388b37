"""Floor 11 in the plan: training stages become FLOPs, and named scaling laws predict the loss."""

from __future__ import annotations

from dataclasses import replace

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, given
from groundup.facts.layer import Ask, LayerPlan
from groundup.facts.stated import stated
from groundup.models import count
from groundup.models.count import ModelShape
from groundup.models.plan import counted
from groundup.recipes.config import RecipesConfig

FITS = {"epoch": "Epoch re-fit", "chinchilla": "Chinchilla approach 3"}
"""Named fits of L = E + A/N^alpha + B/D^beta; `recipes.fit.<name>.*` in the catalogue."""


def demand(
    config: RecipesConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    shape: ModelShape,
    train_tokens: Estimate,
    sequence: Estimate,
    small: bool = False,
) -> Ask:
    """FLOPs of pretraining, long-context extension and post-training.

    Pretraining costs 6 FLOPs a parameter and token and attention on top, counted exactly by
    `models.count`. At scale the later stages are shares of it on record; on this machine
    (`small`) the budget's shares say how the stages split.
    """
    each = counted(
        shape,
        count.train_flops_per_token(shape, int(sequence.value)),
        "FLOP/token",
        f"models.train_flop_per_token at {int(sequence.value)} tokens",
    )
    pretrain = (each * train_tokens).named("recipes.pretrain_flop", "train_flop_per_token x tokens")
    stages = {"pretrain_flop": pretrain} | (
        _budget_stages(config, ask, pretrain) if small else _later_stages(pretrain, facts, samples)
    )
    total = sum(list(stages.values())[1:], start=pretrain)
    return ask.with_(
        train_tokens=train_tokens,
        sequence=sequence,
        training_flop=total.named("recipes.training_flop", " + ".join(stages)),
        **stages,
    )


def _later_stages(pretrain: Estimate, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    return {
        f"{stage}_flop": (pretrain * facts.estimate(f"recipes.stage.{stage}", samples)).named(
            f"recipes.{stage}_flop"
        )
        for stage in ("long_context", "post_training")
    }


def _budget_stages(config: RecipesConfig, ask: Ask, pretrain: Estimate) -> dict[str, Estimate]:
    """Retriever and SFT get compute in the proportion of their shares of the budget."""
    base = stated(ask, "recipes", config, "pretrain_share", "1")
    shares = {
        name: stated(ask, "recipes", config, f"{name}_share", "1") for name in ("retriever", "sft")
    }
    return {
        f"{name}_flop": (pretrain * share / base).named(f"recipes.{name}_flop")
        for name, share in shares.items()
    }


def limit(
    config: RecipesConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    within: Estimate | None,
    window: str,
) -> LayerPlan:
    """FLOPs of all stages against those that the accelerators do `within` a deadline or budget.

    `within` is a time; `window` names it. Without one nothing limits the FLOPs.
    """
    needs = ask["training_flop"]
    there = None
    if within is not None:
        speed = ask["training_speed"] * ask["stack_accelerators"]
        if "goodput" in ask:
            speed = speed * ask["goodput"]
        there = (speed * within).to(needs.unit).named("recipes.flop_within", f"speed x {window}")
    binds = f"FLOP of the accelerators within the {window}"
    if within is None:
        binds = "not limited: no training.deadline_days"
    details = {name: ask[name] for name in ask.quantities if name.endswith("_flop")}
    details |= {"train_tokens": ask["train_tokens"]} | quality(ask, facts, samples)
    return LayerPlan(11, "recipes", needs, there, binds, details=details)


def quality(ask: Ask, facts: Catalogue, samples: int = 0) -> dict[str, Estimate]:
    """Predicted loss by each named fit, nats a token; nothing below the sizes that were fitted."""
    ratio = (ask["train_tokens"] / ask["parameters"]).named("recipes.tokens_per_parameter")
    found = {"tokens_per_parameter": ratio}
    if ask["parameters"].value < facts["recipes.fit.smallest_model"].value:
        return found
    for fit, title in FITS.items():
        found[f"loss_{fit}"] = loss(fit, ask["parameters"], ask["train_tokens"], facts, samples)
        # nominal constants: their errors are correlated, and drawn one by one they say nothing here
        best = optimal_ratio(fit, nominal(ask["pretrain_flop"]), facts)
        found[f"optimal_tokens_per_parameter_{fit}"] = best.named(
            f"recipes.optimal_tokens_per_parameter_{fit}",
            f"{title}: D*/N* at the same compute, nominal constants",
        )
    return found


def loss(
    fit: str, parameters: Estimate, tokens: Estimate, facts: Catalogue, samples: int = 0
) -> Estimate:
    """E + A/N^alpha + B/D^beta of a named fit, nats a token of the fit's own tokenizer and text."""
    e, a, b, alpha, beta = constants(fit, facts, samples)
    n, d = plain(parameters, "parameter"), plain(tokens, "token")
    value = e + a / n**alpha + b / d**beta
    return value.named(f"recipes.loss_{fit}", f"{FITS[fit]}: E + A/N^alpha + B/D^beta")


def optimal_ratio(fit: str, flop: Estimate, facts: Catalogue, samples: int = 0) -> Estimate:
    """Tokens per parameter that minimise the loss at C = 6 N D (Hoffmann et al. 2022, eq. 4)."""
    _, a, b, alpha, beta = constants(fit, facts, samples)
    product = plain(flop, "FLOP") / 6.0
    g = ((alpha * a) / (beta * b)) ** (1.0 / (alpha + beta))
    n = g * product ** (beta / (alpha + beta))
    return (product / n / n) * (_unit("token") / _unit("parameter"))


def constants(fit: str, facts: Catalogue, samples: int = 0) -> tuple[Estimate, ...]:
    """E, A, B, alpha, beta of a named fit."""
    names = ("E", "A", "B", "alpha", "beta")
    return tuple(facts.estimate(f"recipes.fit.{fit}.{name}", samples) for name in names)


def nominal(value: Estimate) -> Estimate:
    """The nominal value alone, without draws."""
    return replace(value, samples=value.samples[..., :1])


def plain(value: Estimate, unit: str) -> Estimate:
    """A counted quantity as the bare number that the fits were made with."""
    return value / _unit(unit)


def _unit(unit: str) -> Estimate:
    return given(1.0, unit, f"1 {unit}", "definition")
