"""Collects what every floor shows of itself into the pages of the report."""

from __future__ import annotations

from collections.abc import Sequence

from groundup.chips import claims as chip_claims
from groundup.chips import figures as chip_figures
from groundup.fabs import claims as fab_claims
from groundup.fabs import figures as fab_figures
from groundup.facts.errors import NoDataError
from groundup.facts.figures import Figure
from groundup.materials import claims as material_claims
from groundup.materials import figures as material_figures
from groundup.networks import claims as network_claims
from groundup.networks import figures as network_figures
from groundup.planner.months import schedule
from groundup.planner.plan import Plan
from groundup.planner.report.floors import upper_pages
from groundup.planner.report.hour import hour_bars
from groundup.planner.report.money import money_flow
from groundup.planner.report.page import Page, render
from groundup.planner.tornado import HEADLINES, Replan, tornados
from groundup.planner.what_if_figures import month_figures
from groundup.sites import claims as site_claims
from groundup.sites import figures as site_figures
from groundup.stack.stack import Stack

_HORIZON = 60
"""Months after the order that the report shows."""


def report_of(
    stack: Stack,
    plan: Plan,
    extra: tuple[Figure, ...] = (),
    replan: Replan | None = None,
    title: str = "What if",
) -> str:
    """The whole report of a plan as one HTML document.

    `extra` are the figures of a what-if or a comparison, under `title`; with `replan` the
    assumptions that move the headline numbers are shown one at a time.
    """
    first = ((title, extra),) if extra else _months(stack, plan)
    rest = (*_money(stack, plan), *_moving(plan, replan))
    first = (*first, *rest) if extra else (*rest, *first)
    every = (*pages(stack, plan), *upper_pages(stack, plan))
    return render(plan, every, plan.facts, first)


def pages(stack: Stack, plan: Plan) -> tuple[Page, ...]:
    """The pages of floors 1 to 5."""
    ask, facts, n = plan.ask, plan.facts, plan.samples
    hour = [figure for figure in (hour_bars(plan),) if figure is not None]
    return (
        Page(1, "materials", "Materials", material_figures.figures(stack.materials, ask, facts, n),
             material_claims.claims(facts)),
        Page(2, "fabs", "Fabs", fab_figures.figures(stack.fabs, ask, facts, n),
             fab_claims.claims(facts)),
        Page(3, "chips", "Chips", chip_figures.figures(stack.chips, ask, facts, n),
             chip_claims.claims(facts)),
        Page(4, "networks", "Networks", network_figures.figures(stack.networks, ask, facts, n),
             network_claims.claims(facts)),
        Page(5, "sites", "Sites", (*site_figures.figures(stack.sites, ask, facts, n), *hour),
             site_claims.claims(facts)),
    )  # fmt: skip


def _money(stack: Stack, plan: Plan) -> Sequence[tuple[str, tuple[Figure, ...]]]:
    flow = money_flow(stack, plan)
    return () if flow is None else (("Money", (flow,)),)


def _moving(plan: Plan, replan: Replan | None) -> Sequence[tuple[str, tuple[Figure, ...]]]:
    """Tornados of the headline numbers that the plan has."""
    if replan is None:
        return ()
    cells = tuple(cell for cell in HEADLINES if cell.removeprefix("totals.") in plan.totals)
    found = tornados(plan, replan, cells)
    return (("What moves the headlines", found),) if found else ()


def _months(stack: Stack, plan: Plan) -> Sequence[tuple[str, tuple[Figure, ...]]]:
    try:
        found = schedule(stack, plan, _HORIZON)
    except NoDataError:
        return ()
    return (("Month by month", month_figures(found, "Accelerators that each floor is ready for")),)
