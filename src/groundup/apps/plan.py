"""Floor 14 in the plan: users and questions become load; the fleet below says what it answers."""

from __future__ import annotations

from groundup.apps.accounts import accounts
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
    samples: int = 0,
    *,
    answers_per_s: Estimate | None,
    usd_per_year: Estimate | None,
    binds: str,
    usd_training: Estimate | None = None,
    capex: Estimate | None = None,
) -> LayerPlan:
    """Questions a second that the serving fleet answers, against the busiest hour.

    `answers_per_s` (question/s) and `usd_per_year` (USD/year) come from the inference floor,
    `usd_training` (USD) from the training floor, `capex` (USD) is what the stack takes to build.
    Details hold the accounts that the stack's prices allow (`groundup.apps.accounts`).
    """
    peak, mean = ask["peak_questions_per_s"], ask["questions_per_s"]
    details = {"questions_per_s": mean, "questions_per_year": mean.to("question/year")}
    if usd_per_year is not None and mean.value > 0:
        details |= accounts(config, ask, facts, samples, usd_per_year, usd_training, capex)
    return LayerPlan(14, "apps", peak, answers_per_s, binds, details=details)
