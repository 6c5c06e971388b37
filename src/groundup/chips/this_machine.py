"""Measures the machine at hand and makes it a chip of the catalogue."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path

from groundup.chips import allreduce
from groundup.chips.bench import ROUNDS, Bench, Progress, Rate, rate_of, rates
from groundup.chips.bench_compute import attention, grid, optimiser, products
from groundup.chips.bench_moves import copy, disk_read, disk_write, processes, triad
from groundup.chips.bench_text import reading
from groundup.facts.errors import ArtifactError
from groundup.facts.fact import Fact
from groundup.facts.files import write_json

FULL_SECONDS = 5.0
"""With less time only products, memory copy and disk writing are measured: a quick look."""
_ROUND_SECONDS = 3.0
"""A round sets up every benchmark anew, which must not take longer than measuring."""
_ALLREDUCE_SHARE = 0.06
"""Share of the time that the two processes add vectors for."""
_UNITS = {
    "gemm": (1e12, "TFLOP/(s*accelerator)"),
    "attention": (1e12, "TFLOP/(s*accelerator)"),
    "triad": (1e9, "GB/(s*accelerator)"),
    "adamw": (1e6, "Mparameter/(s*accelerator)"),
    "process": (1e9, "GB/s"),
    "disk": (1e6, "MB/s"),
    "text": (1e6, "MB/s"),
}
"""Scale and unit of the further readings, by the first word of their name."""


@dataclass(frozen=True)
class Machine:
    """What was measured on one machine on one day."""

    name: str
    """Processor name as the system gives it."""
    cores: int
    """Cores that this process may use."""
    memory_bytes: float
    """Main memory."""
    flop_per_s: dict[str, float]
    """Dense matrix-product speed by format (`fp32`, `bf16`), two operations a multiply-add."""
    copy_bytes_per_s: float
    """Memory traffic of a large copy, reads and writes counted."""
    disk_bytes_per_s: float
    """Writing and syncing a file in the temporary directory."""
    spread: dict[str, float]
    """Relative spread (half of 5 to 95 %) of the repeats by quantity, an honest error bar."""
    measured_on: str
    """ISO date."""
    readings: dict[str, dict[str, float | str]] = field(default_factory=dict)
    """Further measurements by the name of their fact: `value`, `unit`, `spread`."""
    skipped: dict[str, str] = field(default_factory=dict)
    """What was not measured, and why."""
    load: float = 0.0
    """Programs that wanted a core when the measurement began, for each core there is; above a few
    tenths the readings are those of a busy machine, too low and hard to repeat."""

    def facts(self) -> list[Fact]:
        """The measurements as facts under `chips.this-machine`, for `Catalogue.with_facts`."""
        rows = [("cores", float(self.cores), "1", 0.0)]
        if self.memory_bytes > 0:
            rows.append(("memory", self.memory_bytes / 1e9, "GB/accelerator", 0.0))
        if self.flop_per_s:
            copy, disk = self.copy_bytes_per_s / 1e9, self.disk_bytes_per_s / 1e6
            rows.append(("bandwidth", copy, "GB/(s*accelerator)", self.spread["memory copy"]))
            rows.append(("disk_write", disk, "MB/s", self.spread["disk write"]))
        for word, speed in self.flop_per_s.items():
            doubt = self.spread[f"matrix product {word}"]
            rows.append((f"peak.{word}.dense", speed / 1e12, "TFLOP/(s*accelerator)", doubt))
        for name, read in self.readings.items():
            rows.append((name, float(read["value"]), str(read["unit"]), float(read["spread"])))
        return [self._fact(*row) for row in rows]

    def _fact(self, name: str, value: float, unit: str, spread: float) -> Fact:
        return Fact(
            key=f"chips.this-machine.{name}",
            value=value,
            unit=unit,
            low=value * (1 - min(spread, 0.9)),
            high=value * (1 + spread),
            kind="measured",
            source="measured on this machine",
            locator=f"{self.name}, {self.cores} cores",
            as_of=date.fromisoformat(self.measured_on),
            convention="dense, best of repeats" if name.startswith("peak") else "",
        )

    def save(self, path: Path) -> None:
        """Write the measurements as JSON, whole or not at all."""
        write_json(path, asdict(self))


def load(path: Path) -> Machine:
    """Read what `Machine.save` wrote; ArtifactError where the file is not that."""
    try:
        return Machine(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path}: is not a measurement of this machine ({error}); run `groundup calibrate`"
        ) from error


def outline() -> Machine:
    """Cores and memory without running a benchmark; no speeds."""
    today = date.today().isoformat()
    return Machine(_processor(), cores(), memory_bytes(), {}, 0.0, 0.0, {}, today)


def measure(seconds: float = 8.0, progress: Progress | None = None) -> Machine:
    """Run the micro-benchmarks for about `seconds` (starting processes takes some seconds more).

    Below `FULL_SECONDS` only the peak products, memory copy and disk writing; else also products
    of other shapes, the triad, attention, an optimiser step, reading text in Python and from disk,
    and messages and an all-reduce between two processes. Without torch only fp32 products are
    measured (numpy), and `skipped` says what is missing; a number format that the machine does not
    have in hardware is reported at the speed that it really runs at.
    """
    busy = load_per_core()
    with ExitStack() as stack:
        square, missing = products()
        benches = [*square, copy(), disk_write()]
        skipped = {"bf16, attention, optimiser, all-reduce": missing} if missing else {}
        full = seconds >= FULL_SECONDS
        if full:
            benches += [triad(), *grid(), *attention(), *optimiser(), reading()]
            benches += stack.enter_context(disk_read()) + stack.enter_context(processes())
        spent = seconds * _ALLREDUCE_SHARE if full else 0.0
        rounds = max(2, min(ROUNDS, round(seconds / _ROUND_SECONDS)))
        found = rates(benches, seconds - spent, progress, rounds)
    if full and not missing:
        found |= _allreduce(spent, skipped)
    if progress is not None:
        done = rounds * len(benches)
        progress("measured", done, done)
    return replace(_machine(benches, square, found, skipped), load=busy)


def _machine(
    benches: list[Bench], square: list[Bench], found: dict[str, Rate], skipped: dict[str, str]
) -> Machine:
    words = {bench.label.rsplit(" ", 1)[1]: found[bench.label].rate for bench in square}
    return Machine(
        name=_processor(),
        cores=cores(),
        memory_bytes=memory_bytes(),
        flop_per_s=words,
        copy_bytes_per_s=found["memory copy"].rate,
        disk_bytes_per_s=found["disk write"].rate,
        spread={bench.label: found[bench.label].spread for bench in benches},
        measured_on=date.today().isoformat(),
        readings=dict(_readings(found)),
        skipped=skipped,
    )


def _readings(found: dict[str, Rate]) -> Iterator[tuple[str, dict[str, float | str]]]:
    """Facts beside the old ones; a round trip is a time, the rest are rates."""
    for label, rate in found.items():
        if label == "process.round_trips":
            micros = 1e6 / rate.rate
            yield "process.round_trip", {"value": micros, "unit": "us", "spread": rate.spread}
        elif label.split(".")[0] in _UNITS:
            scale, unit = _UNITS[label.split(".")[0]]
            yield label, {"value": rate.rate / scale, "unit": unit, "spread": rate.spread}


def _allreduce(seconds: float, skipped: dict[str, str]) -> dict[str, Rate]:
    """Bytes of the vector per second of two processes' all-reduce; the reason in `skipped`."""
    times, why = allreduce.measured(seconds)
    if not times:
        skipped["all-reduce"] = why
        return {}
    return {"process.allreduce": rate_of(4.0 * allreduce.ELEMENTS, times)}


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_per_core() -> float:
    """Load average of the last minute over the cores; 0 where the system does not say."""
    if not hasattr(os, "getloadavg"):
        return 0.0
    return os.getloadavg()[0] / cores()


def memory_bytes() -> float:
    """Main memory in bytes; 0 where the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return 0.0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
