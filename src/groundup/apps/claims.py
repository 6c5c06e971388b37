"""Circulating numbers of floor 14, each held against what follows from facts."""

from __future__ import annotations

from groundup.apps import economics
from groundup.apps.obsolescence import launch, tokens_to_repay
from groundup.facts.catalogue import Catalogue
from groundup.facts.claims import Claim
from groundup.facts.estimate import Estimate, given
from groundup.middleware.light_heavy import cost_ratio
from groundup.sites.servers import server_power


def claims(facts: Catalogue) -> tuple[Claim, ...]:
    """Every circulating number of the layer, in the order of the table of claims."""
    return (
        *_prices(facts), *_training(facts), *_margins(facts), *_market(facts), *_break_even(facts),
        _routing(facts), *_power(facts),
    )  # fmt: skip


def _fact(facts: Catalogue, name: str) -> Estimate:
    return facts.estimate(f"apps.market.{name}")


def _prices(facts: Catalogue) -> tuple[Claim, ...]:
    ratio = (_fact(facts, "gpt4_then") / _fact(facts, "gpt4_now")).named("apps.claim.gpt4_fall")
    measured = facts.estimate("apps.fallen.from") / facts.estimate("apps.fallen.to")
    return (
        Claim(
            "S130", "GPT-4's level fell from 20 to 0.40 USD/Mtoken", 50, 50, ratio, "ok",
            "the quotient of the two prices; the AI Index's "
            f"{measured.value:.0f} times is of GPT-3.5's level over 23 months, another baseline",
        ),
    )  # fmt: skip


def _training(facts: Catalogue) -> tuple[Claim, ...]:
    hours, rent = (facts.estimate(f"apps.deepseek-v3.{name}") for name in ("hours", "rent"))
    paid = (hours * rent).to("MUSD").named("apps.claim.v3_cost", "H800 hours x 2 USD")
    active, whole = (facts.estimate(f"apps.deepseek-v3.{n}") for n in ("active", "parameters"))
    share = (active / whole).named("apps.claim.active_share")
    tokens = facts.estimate("apps.deepseek-v3.tokens").to("token")
    flop = 6.0 * active.value * tokens.value
    speed = flop / (hours.to("accelerator*h").value * 3600) / 1e12
    return (
        Claim(
            "S131", "DeepSeek V3 and R1 cost 5.9 MUSD to train", 5.9, 5.9, paid, "inconsistent",
            "the report's hours at its rent are V3 alone; R1's reinforcement learning, research, "
            "failed runs and the machines come on top",
        ),
        Claim(
            "S132", "DeepSeek-V3 uses 37 of 671 billion parameters a token", 0.055, 0.055, share,
            "ok",
            f"5.5 %; 6 x active x tokens is {flop:.2e} FLOP, {speed:.0f} TFLOP/s on each H800 "
            "over all reported hours",
        ),
    )  # fmt: skip


def _margins(facts: Catalogue) -> tuple[Claim, ...]:
    revenue, compute = _fact(facts, "openai_revenue"), _fact(facts, "openai_compute")
    margin = economics.gross_margin(revenue, compute)
    ours, usual = _fact(facts, "ai_margin"), _fact(facts, "software_margin")
    kept = ((1.0 - ours) / (1.0 - usual)).named(
        "apps.claim.cost_ratio", "(1 - margin) of AI over that of other software"
    )
    day = {n: facts.estimate(f"apps.deepseek.{n}") for n in ("cost", "revenue")}
    deepseek = economics.gross_margin(day["revenue"], day["cost"])
    return (
        Claim(
            "S133", "OpenAI spent 8 GUSD on compute for 13 GUSD of revenue", 0.385, 0.385, margin,
            "ok", "a margin of 38 % before any other cost; training is in the 8, so the margin of "
            "serving alone is higher",
        ),
        Claim(
            "S134", "AI software keeps 20 to 60 %, other software 70 to 90 %", None, None, kept,
            "input", f"costs of goods {kept.value:.1f} times as large at the middles of both; "
            f"DeepSeek's published day would be {deepseek.value:.0%} if all tokens were paid for",
        ),
    )  # fmt: skip


def _market(facts: Catalogue) -> tuple[Claim, ...]:
    ai, everything = _fact(facts, "ai_venture"), _fact(facts, "venture")
    share = (ai / everything).named("apps.claim.venture_share")
    earned = (ai / _fact(facts, "enterprise_revenue")).named("apps.claim.invested_over_revenue")
    growth = economics.growth_per_year(
        _fact(facts, "coding_2025"), _fact(facts, "coding_2032"), 7.0
    )  # fmt: skip
    talent = (_fact(facts, "jobs") / _fact(facts, "candidates")).named("apps.claim.talent")
    chat = [facts.estimate(key) for key in facts.keys("apps.market.chat.share.")]
    points = economics.concentration(tuple(chat))
    return (
        Claim("S135", "AI took 61 % of venture capital in 2025", 0.61, 0.61, share, "ok",
              "258.7 of 427.1 GUSD"),
        Claim("S136", "investment is over seven times revenue", 7, 7, earned, "ok",
              "258.7 over 37 GUSD is 6.99; the first is venture capital alone, the second "
              "enterprise revenue alone, so neither is the whole"),
        Claim("S137", "code assistants grow 48.1 % a year to 127 GUSD in 2032", 0.481, 0.481,
              growth, "ok", "seven years from 8.14 GUSD in 2025"),
        Claim("S138", "3.2 open positions for each qualified candidate", 3.2, 3.2, talent,
              "approx", "1.6 million over 518 thousand is 3.09; 1.66 million would give 3.2"),
        Claim("S139", "chat services: ChatGPT 64.5 %, Gemini 21.5 %, Claude 2 %", None, None,
              points, "derived", f"a Herfindahl index of at least {points.value:.0f}, far above "
              "the 1,800 of a highly concentrated market (US merger guidelines of 2023)"),
    )  # fmt: skip


def _break_even(facts: Catalogue) -> tuple[Claim, ...]:
    price, target = _fact(facts, "copilot"), _fact(facts, "ai_margin")
    cost = service_cost(facts)
    tokens = economics.tokens_within(price, target, cost)
    user = given(1.0, "user", "a user", "the claim")
    plus = economics.tokens_within(_fact(facts, "plus"), target, cost)
    month = (tokens * user).to("Mtoken/month").named(
        "apps.claim.tokens_of_30_usd", "price x (1 - margin) / cost of a token"
    )  # fmt: skip
    run, sold = _v3(facts)
    simple = economics.break_even_tokens(run, sold, cost)
    return (
        Claim(
            "S140", "Copilot asks 30, Plus 20 USD a user and month", None, None, month, "derived",
            f"at {cost.value:.2f} USD for a million answer tokens (DeepSeek's published day) and "
            f"a margin of {target.value:.0%}: {month.value:.0f} Mtoken a month, "
            f"{plus.value:.0f} for 20 USD",
        ),
        Claim(
            "S141", "training is fixed, serving variable, a model obsolete in six months",
            None, None, simple.to("token"), "derived",
            f"DeepSeek-V3's run is paid back by {simple.value:.1f} Ttoken of answers at R1's "
            f"price; with prices falling ten times a year that takes {_pace(facts):.1f} Ttoken a "
            "month for six months; arithmetic of serving equals that of training at three times "
            "the training tokens",
        ),
    )  # fmt: skip


def service_cost(facts: Catalogue) -> Estimate:
    """Cost of a million answer tokens with its prompt, of the one service that published both."""
    cost, tokens = (facts.estimate(f"apps.deepseek.{n}") for n in ("cost", "output_tokens"))
    return (cost / tokens).to("USD/Mtoken").named(
        "apps.claim.cost_of_token", "cost of the day / answer tokens of the day"
    )  # fmt: skip


def _v3(facts: Catalogue) -> tuple[Estimate, Estimate]:
    """Cost of DeepSeek-V3's run, and the published revenue of an answer token."""
    hours, rent = (facts.estimate(f"apps.deepseek-v3.{name}") for name in ("hours", "rent"))
    revenue, tokens = (facts.estimate(f"apps.deepseek.{n}") for n in ("revenue", "output_tokens"))
    sold = (revenue / tokens).to("USD/Mtoken").named("apps.claim.revenue_of_token")
    return (hours * rent).to("USD"), sold


def _pace(facts: Catalogue) -> float:
    """Answer tokens a month, in Ttoken, that repay the run within six months of falling prices."""
    run, sold = _v3(facts)
    some = given(1.0, "Mtoken/month", "tokens", "a unit; the result does not depend on it")
    plan = launch(run, some, sold, service_cost(facts), facts.estimate("apps.price_fall"),
                  facts.estimate("sites.wacc"))  # fmt: skip
    return tokens_to_repay(plan, 0, 6).to("Ttoken/month").value


def _routing(facts: Catalogue) -> Claim:
    heavy = facts.estimate("middleware.routellm.mt_bench.calls_95")
    light, whole = (facts.estimate(f"middleware.price.{n}.output") for n in ("gpt-5-mini", "gpt-5"))
    ratio = (light / whole).named("apps.claim.price_ratio")
    found = cost_ratio(heavy, ratio, facts.estimate("middleware.router_overhead"))
    return Claim(
        "S142", "most questions go to a lighter model", None, None, found, "derived",
        f"with {heavy.value:.0%} heavy calls, which kept 95 % of quality on MT Bench, and a light "
        f"model at {ratio.value:.0%} of the price, {found.value:.0%} of the cost are left; the "
        "share of calls that the service routes is not published",
    )  # fmt: skip


def _power(facts: Catalogue) -> tuple[Claim, ...]:
    site = given(1.0, "GW", "site", "the claim")
    each = server_power("gb200", facts) * facts.estimate("sites.pue.liquid")
    count = (site / each).to("accelerator").named(
        "apps.claim.accelerators_of_a_gigawatt", "1 GW / (server power x PUE)"
    )  # fmt: skip
    grown = facts.estimate("apps.electricity.in_2030") / facts.estimate("apps.electricity.now")
    return (
        Claim(
            "S143", "clusters of one gigawatt come online", None, None, count, "derived",
            f"{count.value / 1e3:.0f} thousand GB200 at the rated power of their racks; measured "
            "load is two thirds to three quarters of it, which makes room for up to 700 thousand",
        ),
        Claim(
            "S144", "electricity of data centres more than doubles by 2030", 2, 2,
            grown.named("apps.claim.electricity"), "input",
            "945 over 415 TWh in the base case, all data centres and not only those of AI",
        ),
    )  # fmt: skip
