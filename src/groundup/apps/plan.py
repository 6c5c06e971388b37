"""Floor 14 in the plan: users and questions become load; the fleet below says what it answers."""

from __future__ import annotations

from groundup.apps.config import AppsConfig
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate
from groundup.facts.layer import Ask, LayerPlan
from groundup.facts.stated import stated


def demand(config: AppsConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Questions a second on average and in the busiest hour: users x questions x peak over mean."""
    users = stated(ask, "apps", config, "users", "user")
    each = stated(ask, "apps", config, "questions_per_user_day", "question/(user*day)")
    peak = stated(ask, "apps", config, "peak_to_mean", "1")
    mean = (users * each).to("question/s").named("apps.questions_per_s")
    return ask.with_(
        users=users,
        questions_per_s=mean,
        peak_questions_per_s=(mean * peak).named("apps.peak_questions_per_s"),
    )


def limit(
    config: AppsConfig,
    ask: Ask,
    facts: Catalogue,
    *,
    answers_per_s: Estimate | None,
    usd_per_year: Estimate | None,
    binds: str,
) -> LayerPlan:
    """Questions a second that the serving fleet answers, against the busiest hour.

    `answers_per_s` (question/s) and `usd_per_year` (USD/year) come from the inference floor.
    """
    peak, mean = ask["peak_questions_per_s"], ask["questions_per_s"]
    details = {"questions_per_s": mean, "questions_per_year": mean.to("question/year")}
    if usd_per_year is not None and mean.value > 0:
        details |= _economics(config, ask, mean, usd_per_year)
    return LayerPlan(14, "apps", peak, answers_per_s, binds, details=details)


def _economics(
    config: AppsConfig, ask: Ask, mean: Estimate, usd_per_year: Estimate
) -> dict[str, Estimate]:
    """Cost of a question and of a user; revenue and margin where the stack states a price."""
    found = {
        "usd_per_question": (usd_per_year / mean.to("question/year")).named(
            "apps.usd_per_question"
        ),
        "usd_per_user_month": (usd_per_year / ask["users"])
        .to("USD/(user*month)")
        .named("apps.usd_per_user_month"),
    }
    if config.price_usd_per_million_tokens is None:
        return found
    price = stated(ask, "apps", config, "price_usd_per_million_tokens", "USD/Mtoken")
    revenue = (price * ask["output_tokens_per_s"]).to("USD/year").named("apps.revenue_per_year")
    margin = ((revenue - usd_per_year) / revenue).named("apps.margin", "(revenue - cost) / revenue")
    return {**found, "revenue_per_year": revenue, "margin": margin}
