"""Evaluation gates: a candidate that fails one is not promoted; the report says which and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from groundup.middleware.config import GatesConfig

AT_MOST = frozenset({"bits_per_byte", "quantised_bits_per_byte_loss"})
"""Gates where less is better; in all others the value must reach the bound."""


@dataclass(frozen=True)
class GateResult:
    """One gate held against one measured value; `value` is None when nothing was measured."""

    name: str
    value: float | None
    bound: float
    ok: bool

    @property
    def relation(self) -> str:
        """The sign between value and bound that passes."""
        return "<=" if self.name in AT_MOST else ">="

    def __str__(self) -> str:
        if self.value is None:
            return f"FAIL  {self.name}: not measured, needs {self.relation} {self.bound:g}"
        verdict = "pass" if self.ok else "FAIL"
        miss = "" if self.ok else f", misses by {abs(self.value - self.bound):.4g}"
        return f"{verdict}  {self.name}: {self.value:.4g} ({self.relation} {self.bound:g}{miss})"


def check(report: Mapping[str, object], config: GatesConfig) -> list[GateResult]:
    """Hold every gate of the config against the report's value of the same name.

    What is missing, not a number or NaN fails: not measured is not passed.
    """
    return [
        _gate(field.name, report.get(field.name), float(getattr(config, field.name)))
        for field in fields(config)
    ]


def _gate(name: str, found: object, bound: float) -> GateResult:
    measured = isinstance(found, int | float) and math.isfinite(found)
    if not measured or not isinstance(found, int | float):
        return GateResult(name, None, bound, False)
    value = float(found)
    return GateResult(name, value, bound, value <= bound if name in AT_MOST else value >= bound)


def passed(results: Sequence[GateResult]) -> bool:
    """True when every gate is ok."""
    return all(result.ok for result in results)


def describe(results: Sequence[GateResult], report_path: str, serving: str = "") -> str:
    """The gate report: failures first, then where the numbers are and what stays served."""
    lines = [str(result) for result in sorted(results, key=lambda result: result.ok)]
    failed = [result.name for result in results if not result.ok]
    if not failed:
        return "\n".join([*lines, f"All {len(results)} gates pass. Numbers: {report_path}"])
    stays = (
        f"The last good one stays served: {serving}."
        if serving
        else ("Nothing was served before, so nothing is served now.")
    )
    return "\n".join(
        [
            *lines,
            f"{len(failed)} of {len(results)} gates failed ({', '.join(failed)}): not promoted.",
            f"Numbers: {report_path}",
            stays,
        ]
    )
