"""Explains one cell of a plan (`training.cost`, `sites.details.water`) down to its sources."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from groundup.facts.errors import ConfigError
from groundup.facts.estimate import Estimate
from groundup.facts.explain import explain, explain_json
from groundup.planner.plan import Plan

COLUMNS = ("needs", "limit", "headroom", "cost", "time", "power")


def explain_cell(plan: Plan, cell: str) -> str:
    """The derivation of a cell as text, down to facts with source and date, conflicts shown.

    A cell that holds no number says why. Raises ConfigError for an unknown cell, with the nearest.
    """
    name, value = look_up(plan, cell)
    return f"{name} = {_absent(plan, name)}" if value is None else explain(value)


def explain_cell_json(plan: Plan, cell: str) -> dict[str, Any]:
    """The same tree as nested plain objects; an empty cell is `{"cell", "absent": why}`."""
    name, value = look_up(plan, cell)
    if value is None:
        return {"cell": name, "absent": _absent(plan, name)}
    return {"cell": name, **explain_json(value)}


def look_up(plan: Plan, cell: str) -> tuple[str, Estimate | None]:
    """Full name and estimate of a cell. Raises ConfigError, with the nearest cell, if unknown."""
    found = cells(plan)
    name = cell.strip().replace(".details.", ".")
    if name not in found:
        raise ConfigError(f"no cell `{cell}` in the plan of {plan.stack}{_near(name, found)}")
    return name, found[name]


def _absent(plan: Plan, name: str) -> str:
    layer, column = name.split(".", 1)
    if column in ("limit", "headroom"):
        binds = plan.layer(layer).binds
        return binds if binds.startswith(("no ", "not ")) else f"no data: {binds}"
    return f"none: the {layer} floor adds no {column} of its own to this plan"


def cells(plan: Plan) -> dict[str, Estimate | None]:
    """Every cell of the plan by name: `layer.column`, `layer.detail` and `totals.name`."""
    found: dict[str, Estimate | None] = {}
    for row in reversed(plan.layers):
        found |= {f"{row.name}.{column}": getattr(row, column) for column in COLUMNS}
        found |= {
            f"{row.name}.{name}": value
            for name, value in row.details.items()
            if name not in COLUMNS
        }
    return found | {f"totals.{name}": value for name, value in plan.totals.items()}


def _near(name: str, found: dict[str, Estimate | None]) -> str:
    """`; did you mean ...?`, else how to see the cells there are."""
    layer = name.split(".")[0]
    inside = [cell for cell in found if cell.startswith(f"{layer}.")]
    near = get_close_matches(name, inside, n=1, cutoff=0.4) or get_close_matches(
        name, list(found), n=1, cutoff=0.4
    )
    if near:
        listing = f"; cells of {layer}: {', '.join(inside)}" if inside else ""
        return f"; did you mean `{near[0]}`?{listing}"
    layers = ", ".join(dict.fromkeys(cell.split(".")[0] for cell in found))
    return f"; a cell is LAYER.COLUMN with LAYER one of {layers} and COLUMN one of " + ", ".join(
        COLUMNS
    )
