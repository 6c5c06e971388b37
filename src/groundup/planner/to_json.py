"""A plan as plain objects: floors 1 to 14, quantities as `{value, low, high, unit}`."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from groundup.facts.estimate import Estimate
from groundup.facts.layer import LayerPlan
from groundup.planner.plan import Plan
from groundup.training.explained import layout_text

_DIGITS = 12
"""Digits that are kept, so that the hash does not hang on the last bits of a sum."""


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan with `hash`, the SHA-256 of everything else in canonical JSON."""
    body: dict[str, Any] = {
        "stack": plan.stack,
        "path": plan.path,
        "accelerator": plan.accelerator,
        "samples": plan.samples,
        "seed": plan.seed,
        "layers": [_layer(row) for row in plan.layers],
        "binding": _binding(plan),
        "layout": _layout(plan),
        "totals": {name: quantity(value) for name, value in plan.totals.items()},
    }
    return {**body, "hash": digest(body)}


def digest(body: Any) -> str:
    """SHA-256 of a plain object in canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def quantity(estimate: Estimate | None) -> dict[str, float | str] | None:
    """`{value, low, high, unit}` (5 % and 95 % quantiles), or None where there is no data."""
    if estimate is None:
        return None
    plain = estimate.as_json()
    return {
        key: float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
        for key, value in plain.items()
    }


def _layer(row: LayerPlan) -> dict[str, Any]:
    return {
        "floor": row.floor,
        "name": row.name,
        "needs": quantity(row.needs),
        "limit": quantity(row.limit),
        "headroom": quantity(row.headroom),
        "binds": row.binds,
        "cost": quantity(row.cost),
        "time": quantity(row.time),
        "power": quantity(row.power),
        "details": {name: quantity(value) for name, value in row.details.items()},
    }


def _layout(plan: Plan) -> dict[str, Any] | None:
    """How the training is spread; None on this machine and for chips that no law speaks of."""
    if plan.trained is None:
        return None
    layout = plan.trained.layout
    degrees = {name: float(value) for name, value in vars(layout).items()}
    return {
        "text": layout_text(plan.trained),
        "searched": plan.trained.searched,
        **degrees,
        "data": float(layout.data),
        "microbatches": float(layout.microbatches),
    }


def _binding(plan: Plan) -> dict[str, Any] | None:
    if plan.binding is None:
        return None
    found = plan.binding
    return {
        "floor": found.floor,
        "name": found.name,
        "what": found.what,
        "headroom": quantity(found.headroom),
    }
