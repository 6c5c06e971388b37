"""The accounts of a planned product: cost, revenue, margin, what breaks even and when.

Only what the stack states a price for: names are absent where there is no data.
"""

from __future__ import annotations

import numpy as np

from groundup.apps import economics
from groundup.apps.config import AppsConfig
from groundup.apps.investment import payback_months
from groundup.apps.obsolescence import Launch, break_even_month, launch, tokens_to_repay, worth
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, derived, given, total
from groundup.facts.layer import Ask
from groundup.facts.stated import stated

_NEVER = 100.0
"""What stands for infinity in single draws, over the nominal value."""


def accounts(
    config: AppsConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int,
    usd_per_year: Estimate,
    usd_training: Estimate | None,
    capex: Estimate | None,
) -> dict[str, Estimate]:
    """Every account that the stack's prices allow, by name.

    `usd_per_year` is the serving fleet's cost, `usd_training` that of the training run, `capex`
    what the whole stack takes to build. Questions must be asked: their rate is above 0.
    """
    mean = ask["questions_per_s"]
    cost = yearly_cost(config, ask, usd_per_year)
    found = {
        "usd_per_question": (cost / mean.to("question/year")).named("apps.usd_per_question"),
        "usd_per_user_month": (cost / ask["users"])
        .to("USD/(user*month)")
        .named("apps.usd_per_user_month"),
    }
    if config.gross_margin_target is not None:
        found |= _prices(config, ask, cost)
    revenue = yearly_revenue(config, ask)
    if revenue is None or revenue.value <= 0:
        return found
    found |= {"revenue_per_year": revenue, "margin": economics.gross_margin(revenue, cost)}
    found |= _break_even(config, ask, revenue, cost, capex)
    if usd_training is not None and usd_training.value > 0 and _tokens(ask) is not None:
        found |= _training(config, ask, facts, samples, revenue, cost, usd_training)
    return _reached(found)


def _reached(found: dict[str, Estimate]) -> dict[str, Estimate]:
    """Without what is never reached (break-even of what loses money); its draws made finite.

    A contribution or a worth below zero says why a name is absent. Single draws that never break
    even stand at a hundred times the nominal value, so that an interval has an end.
    """
    kept = {}
    for name, value in found.items():
        if not np.isfinite(value.value):
            continue
        if not np.isfinite(value.samples).all():
            most = np.minimum(value.samples, _NEVER * abs(value.value))
            value = derived(
                most, value.unit, value.label, f"at most {_NEVER:g} x nominal", (value,)
            )
        kept[name] = value
    return kept


def yearly_cost(config: AppsConfig, ask: Ask, usd_per_year: Estimate) -> Estimate:
    """Cost of a year of questions: fleet, lighter models behind a router, tools, people."""
    cost = usd_per_year
    if "routed_cost_ratio" in ask:
        cost = (cost * ask["routed_cost_ratio"]).named(
            "apps.serving_cost", "heavy fleet x (f + (1 - f) r + overhead) / f"
        )
    year = ask["questions_per_s"].to("question/year")
    extra = [
        (stated(ask, "apps", config, key, "USD/question") * year).to("USD/year")
        for key in ("retrieval_usd_per_question", "people_usd_per_question")
        if getattr(config, key) > 0
    ]
    if not extra:
        return cost
    return total((cost.to("USD/year"), *extra)).named("apps.cost_per_year", "fleet, tools, people")


def yearly_revenue(config: AppsConfig, ask: Ask) -> Estimate | None:
    """Metered tokens and subscriptions in a year; None where the stack states no price."""
    parts = []
    kinds = (
        ("price_usd_per_million_tokens", "output_tokens"),
        ("price_usd_per_million_input_tokens", "prompt_tokens"),
    )
    for key, tokens in kinds:
        if getattr(config, key) is not None:
            price = stated(ask, "apps", config, key, "USD/Mtoken")
            parts.append((price * _billed(ask, tokens)).to("USD/year"))
    if config.price_usd_per_month is not None:
        price = stated(ask, "apps", config, "price_usd_per_month", "USD/(user*month)")
        paying = ask["users"] * stated(ask, "apps", config, "paying_share", "1")
        parts.append((price * paying).to("USD/year").named("apps.subscriptions"))
    if not parts:
        return None
    return total(parts).named("apps.revenue_per_year", "tokens sold + subscriptions")


def _billed(ask: Ask, kind: str) -> Estimate:
    """Tokens a second that users pay for, those of the lighter model among them."""
    name = {"output_tokens": "output_tokens_per_s", "prompt_tokens": "input_tokens_per_s"}[kind]
    heavy = ask[name]
    if "light_calls_per_s" not in ask:
        return heavy
    light = (ask["light_calls_per_s"] * ask[kind]).to("token/s")
    return (heavy + light).named(f"apps.billed_{kind}_per_s", "heavy + light calls")


def _tokens(ask: Ask) -> Estimate | None:
    """Answer tokens sold a month; None where the inference floor has said nothing."""
    if "output_tokens_per_s" not in ask or ask["output_tokens_per_s"].value <= 0:
        return None
    return _billed(ask, "output_tokens").to("Mtoken/month").named("apps.tokens_per_month")


def _prices(config: AppsConfig, ask: Ask, cost: Estimate) -> dict[str, Estimate]:
    """Prices at which the stated margin is left: of a user's month, of a million answer tokens."""
    target = stated(ask, "apps", config, "gross_margin_target", "1")
    user = (cost / ask["users"]).to("USD/(user*month)")
    found = {"price_per_user_month_for_target": economics.price_for_margin(user, target)}
    tokens = _tokens(ask)
    if tokens is not None:
        each = (cost / tokens).to("USD/Mtoken")
        found["price_per_million_tokens_for_target"] = economics.price_for_margin(each, target)
    return found


def _break_even(
    config: AppsConfig, ask: Ask, revenue: Estimate, cost: Estimate, capex: Estimate | None
) -> dict[str, Estimate]:
    """Contribution of a user, users that carry the fixed costs, payback of the whole stack.

    Serving is taken to grow with users; a fleet of one replica costs the same for fewer.
    """
    gross = (revenue - cost).to("USD/month").named("apps.gross_profit_per_month")
    each = (gross / ask["users"]).to("USD/(user*month)")
    each = each.named("apps.contribution_per_user_month", "(revenue - cost) / users")
    found = {"contribution_per_user_month": each}
    profit = gross
    if config.fixed_usd_per_month is not None:
        fixed = stated(ask, "apps", config, "fixed_usd_per_month", "USD/month")
        found["break_even_users"] = economics.break_even_users(fixed, each)
        profit = (gross - fixed).named("apps.profit_per_month", "revenue - cost - fixed")
        found["profit_per_month"] = profit
    if capex is not None:
        # the fleet's cost holds capital charges already, so this is the longest it may take
        found["capex_payback"] = payback_months(capex, profit)
    return found


def _training(
    config: AppsConfig, ask: Ask, facts: Catalogue, samples: int,
    revenue: Estimate, cost: Estimate, usd_training: Estimate,
) -> dict[str, Estimate]:  # fmt: skip
    """Training as a fixed cost that answers pay back before the model is obsolete."""
    tokens = _tokens(ask)
    assert tokens is not None
    price = (revenue / tokens).to("USD/Mtoken").named("apps.revenue_per_token")
    each = (cost / tokens).to("USD/Mtoken").named("apps.cost_per_token")
    plan, life = _launch(config, ask, facts, samples, usd_training, tokens, price, each)
    lead = round(ask["busy_days"].to("month").value) if "busy_days" in ask else 0
    months = max(round(life.to("month").value), 1)
    found = {
        "break_even_tokens": economics.break_even_tokens(usd_training, price, each),
        "payback": payback_months(usd_training, (revenue - cost).to("USD/month")),
        "break_even_month": break_even_month(plan, lead, months),
        "worth_of_run": worth(plan, lead, months),
        "tokens_to_repay": tokens_to_repay(plan, lead, months),
    }
    draws = found["worth_of_run"].samples[..., 1:]
    if draws.size:
        found["chance_run_pays"] = derived(
            [float(np.mean(draws >= 0))], "1", "apps.chance_run_pays",
            "share of the draws whose worth is not below zero", (found["worth_of_run"],),
        )  # fmt: skip
    if "train_tokens" in ask:
        trained = ask["train_tokens"]
        served = (tokens * life).to("token").named("apps.tokens_in_life", "tokens x life")
        found["equal_compute_tokens"] = economics.equal_compute_tokens(trained)
        found["training_share_of_compute"] = economics.lifetime_share(trained, served)
    return found


def _launch(
    config: AppsConfig, ask: Ask, facts: Catalogue, samples: int,
    usd_training: Estimate, tokens: Estimate, price: Estimate, cost: Estimate,
) -> tuple[Launch, Estimate]:  # fmt: skip
    """The run as an investment, and how long its model sells."""
    life = facts.estimate("apps.model_life", samples)
    if config.model_life_months is not None:
        life = stated(ask, "apps", config, "model_life_months", "month")
    rate = ask.quantities.get("capital_rate", facts.estimate("sites.wacc", samples))
    fall = price_fall(config, ask, facts, samples)
    return launch(usd_training, tokens, price, cost, fall, rate), life


def price_fall(config: AppsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Estimate:
    """Factor a year by which what this product asks falls.

    The stack's own; else the published fall of token prices where tokens are sold; subscriptions
    alone have held their price.
    """
    if config.price_fall_per_year is not None:
        return stated(ask, "apps", config, "price_fall_per_year", "1")
    metered = (config.price_usd_per_million_tokens, config.price_usd_per_million_input_tokens)
    if any(price is not None for price in metered):
        return facts.estimate("apps.price_fall", samples)
    return given(1.0, "1", "apps.price_fall", "subscriptions keep their price; set the key else")
