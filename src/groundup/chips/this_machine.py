"""Measures the machine at hand: matrix-product speed, memory bandwidth, disk; a chip of its own."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np

from groundup.facts.errors import ArtifactError
from groundup.facts.fact import Fact

Progress = Callable[[str, float, float], None]
_SIZE = 1024
"""Side of the square matrices, big enough to be compute bound, small enough for a small machine."""
_COPY_BYTES = 128 * 2**20
"""Two arrays of it exceed the caches, so that the copy measures memory."""
_DISK_BYTES = 64 * 2**20


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
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        part.replace(path)


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
    """Run the micro-benchmarks for about `seconds`; torch is used where it is installed.

    Without torch only fp32 is measured (numpy); a number format that the machine does not have in
    hardware is reported at the speed that it really runs at.
    """
    report = progress or (lambda label, done, total: None)
    products = _products()
    tasks: list[tuple[str, Callable[[], float], float]] = [
        *((f"matrix product {word}", run, 2.0 * _SIZE**3) for word, run in products.items()),
        ("memory copy", _copy(), 2.0 * _COPY_BYTES),
        ("disk write", _disk, float(_DISK_BYTES)),
    ]
    rates: dict[str, float] = {}
    spread: dict[str, float] = {}
    for index, (label, run, work) in enumerate(tasks):
        report(label, index, len(tasks))
        rates[label], spread[label] = _rate(run, work, seconds / len(tasks))
    report("measured", len(tasks), len(tasks))
    return Machine(
        name=_processor(),
        cores=cores(),
        memory_bytes=memory_bytes(),
        flop_per_s={word: rates[f"matrix product {word}"] for word in products},
        copy_bytes_per_s=rates["memory copy"],
        disk_bytes_per_s=rates["disk write"],
        spread=spread,
        measured_on=date.today().isoformat(),
    )


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> float:
    """Main memory in bytes; 0 where the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return 0.0


def _rate(run: Callable[[], float], work: float, seconds: float) -> tuple[float, float]:
    """Best work per second over repeats, and the spread of the middle 90 % around the median.

    The best repeat is the machine; slower ones are its other tenants. The first one warms up.
    """
    run()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        times.append(run())
    low, middle, high = np.quantile(times, [0.05, 0.5, 0.95])
    return work / min(times), float((high - low) / (2 * middle))


def _products() -> dict[str, Callable[[], float]]:
    """A timed matrix product by number format."""
    try:
        import torch
    except ImportError:
        return {"fp32": _numpy_product()}

    def timed(dtype: torch.dtype) -> Callable[[], float]:
        left = torch.randn(_SIZE, _SIZE).to(dtype)
        right = torch.randn(_SIZE, _SIZE).to(dtype)

        def run() -> float:
            start = time.perf_counter()
            torch.mm(left, right)
            return time.perf_counter() - start

        return run

    return {"fp32": timed(torch.float32), "bf16": timed(torch.bfloat16)}


def _numpy_product() -> Callable[[], float]:
    generator = np.random.default_rng(0)
    left = generator.random((_SIZE, _SIZE), dtype=np.float32)
    right = generator.random((_SIZE, _SIZE), dtype=np.float32)

    def run() -> float:
        start = time.perf_counter()
        left @ right
        return time.perf_counter() - start

    return run


def _copy() -> Callable[[], float]:
    source = np.ones(_COPY_BYTES // 8)
    target = np.empty_like(source)

    def run() -> float:
        start = time.perf_counter()
        np.copyto(target, source)
        return time.perf_counter() - start

    return run


def _disk() -> float:
    block = os.urandom(2**20)
    with tempfile.TemporaryFile() as file:
        start = time.perf_counter()
        for _ in range(_DISK_BYTES // len(block)):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        return time.perf_counter() - start


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
