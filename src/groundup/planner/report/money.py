"""Where the dollars of a training run go: from the run through its hours to dies and memory."""

from __future__ import annotations

from collections.abc import Iterator

from groundup.fabs.bill import PARTS, module_cost
from groundup.facts.errors import NoDataError
from groundup.facts.figures import Flow
from groundup.planner.plan import Plan
from groundup.planner.report.hour import cost_parts
from groundup.stack.stack import Stack

_NAMES = {
    "die": "logic dies", "base": "base dies", "hbm": "memory stacks", "bonding": "assembly",
    "waste": "scrapped packages",
}  # fmt: skip
_RUN, _CHIPS, _MODULE = "training run", "accelerators", "modules"
_LEAST = 1e-3
"""Shares of the whole below this are not drawn."""


def money_flow(stack: Stack, plan: Plan) -> Flow | None:
    """Dollars of the training run by what they pay for; None where the chip has no price.

    Accelerators are split by the share of their price that making the module costs, where the
    fabs' bill has all of its parts on record.
    """
    whole = plan.totals.get("usd_training")
    parts = cost_parts(plan)
    if whole is None or not parts:
        return None
    links = [(_RUN, name, value) for name, value in parts]
    spent = dict(parts).get(_CHIPS, 0.0)
    links += _chip(stack, plan, spent)
    paid = sum(value for _, value in parts)
    kept = tuple(link for link in links if link[2] > _LEAST * paid)
    note = "Capital as an annuity over the job's hours."
    if any(link[0] == _MODULE for link in kept):
        note += " Modules at what they cost to make; the rest of the price is board and margin."
    return Flow("Where the dollars of the training run go", "USD", kept, note)


def _chip(stack: Stack, plan: Plan, spent: float) -> Iterator[tuple[str, str, float]]:
    """Price of the accelerators into the module's parts and what is left."""
    capex = plan.layer("chips").details.get("capex")
    if capex is None or spent <= 0 or stack.chips.usd_per_hour is not None:
        return
    price = (capex / plan.ask["accelerators"]).to("USD/accelerator").value
    try:
        bill = module_cost(plan.ask, plan.facts, 0, stack.fabs)
    except NoDataError:
        return
    made = bill["total"].value / price
    yield _CHIPS, _MODULE, spent * made
    yield _CHIPS, "board, software, margin", spent * (1 - made)
    for part in PARTS:
        yield _MODULE, _NAMES.get(part, part), spent * bill[part].value / price
