"""What a step costs over all its attempts: seconds, CPU-seconds and joules, kept on disk.

A step that is killed and resumed must report the sum, so a small file in the work directory is
rewritten every few seconds with what the earlier attempts and this one have used.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from groundup.facts.files import write_json
from groundup.systems.energy import EnergyMeter

FILE = ".clock.json"
WRITE_EVERY_SECONDS = 2.0


@dataclass(frozen=True)
class Used:
    """Use so far: wall seconds, CPU-seconds, joules with interval, and how joules were found."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    joules: float = 0.0
    joules_low: float = 0.0
    joules_high: float = 0.0
    joules_method: str = ""
    attempts: int = 0


class Clock:
    """Adds this attempt's use to that of the earlier ones found in the work directory."""

    def __init__(self, work: Path, meter: EnergyMeter) -> None:
        self._path = work / FILE
        self._meter = meter
        self._before = _read(self._path)
        self._start = time.monotonic()
        self._written = -WRITE_EVERY_SECONDS

    def used(self) -> Used:
        """Use of all attempts together, as of now."""
        now, before = self._meter, self._before
        now.update()
        return replace(
            before,
            seconds=before.seconds + time.monotonic() - self._start,
            cpu_seconds=before.cpu_seconds + now.cpu_seconds,
            joules=before.joules + now.joules,
            joules_low=before.joules_low + now.low,
            joules_high=before.joules_high + now.high,
            joules_method=now.method,
            attempts=before.attempts + 1,
        )

    def tick(self) -> None:
        """Write the use to disk when the last writing is some seconds old."""
        if time.monotonic() - self._written >= WRITE_EVERY_SECONDS:
            self.save()

    def save(self) -> None:
        """Write the use to disk now."""
        self._written = time.monotonic()
        write_json(self._path, asdict(self.used()))

    def remove(self) -> None:
        """Delete the file; the manifest holds its content now."""
        self._path.unlink(missing_ok=True)


def _read(path: Path) -> Used:
    try:
        return Used(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return Used()  # no earlier attempt, or one that was killed before its first writing
