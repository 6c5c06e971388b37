"""Joules of a piece of work: read from the processor where it tells, else estimated and said so."""

from __future__ import annotations

import resource
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError

POWERCAP = Path("/sys/class/powercap")
WATTS_PER_CORE = "chips.this-machine.watts_per_core"
POLL_SECONDS = 30.0
"""RAPL counters wrap after minutes (a 262 kJ counter at 250 W: 17 minutes), so look more often."""


@dataclass
class Zone:
    """One processor package's energy counter (Linux powercap, Documentation/power/powercap)."""

    path: Path
    """Directory with energy_uj and max_energy_range_uj."""

    span: int
    """Microjoules after which the counter starts again at 0."""

    last: int
    """Counter at the last look, microjoules."""

    total: int = 0
    """Microjoules since the zone was opened."""

    def look(self) -> None:
        """Add what was used since the last look; a smaller counter has wrapped once."""
        now = int((self.path / "energy_uj").read_text())
        used = now - self.last
        self.total += used if used >= 0 else used + self.span
        self.last = now


def open_zones(root: Path = POWERCAP) -> list[Zone]:
    """Every readable package zone (`intel-rapl:0`, …; sub-zones are inside them), or none."""
    zones = []
    for path in sorted(root.glob("intel-rapl:*")):
        if path.name.count(":") != 1:
            continue
        try:
            span = int((path / "max_energy_range_uj").read_text())
            zones.append(Zone(path, span, int((path / "energy_uj").read_text())))
        except (OSError, ValueError):  # not readable without rights: no data from this zone
            continue
    return zones


class EnergyMeter:
    """`with EnergyMeter() as meter: work()`, then `meter.joules`, `.low`, `.high`, `.method`.

    RAPL counts whole packages, other programs included, so there low = high = joules. The estimate
    is CPU seconds of this process and its finished children, times the watts of a busy core (fact
    `chips.this-machine.watts_per_core`); it leaves out memory, disks and idle draw.
    """

    joules: float = 0.0
    low: float = 0.0
    high: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    method: str = ""

    def __init__(self, method: str = "auto", root: Path = POWERCAP) -> None:
        """`method`: `auto`, `rapl` or `estimate`; ConfigError when RAPL is asked for and absent."""
        self.zones = [] if method == "estimate" else open_zones(root)
        if method == "rapl" and not self.zones:
            raise ConfigError(
                f"systems.energy = 'rapl': no readable {root}/intel-rapl:*/energy_uj here; "
                "use 'auto' or 'estimate', or give this user read rights on energy_uj"
            )
        self.done = threading.Event()
        self.poller: threading.Thread | None = None

    def __enter__(self) -> EnergyMeter:
        self.started, self.cpu_started = time.perf_counter(), _cpu_seconds()
        for zone in self.zones:
            zone.look()
            zone.total = 0
        if self.zones:
            self.poller = threading.Thread(target=self._poll, daemon=True, name="energy")
            self.poller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.poller is not None:
            self.done.set()
            self.poller.join()
        self.update()

    def update(self) -> None:
        """Bring seconds and joules up to now; may be called at any time inside the `with`."""
        self.seconds = time.perf_counter() - self.started
        self.cpu_seconds = _cpu_seconds() - self.cpu_started
        self._read() if self.zones else self._estimate()

    def metrics(self) -> dict[str, float | str]:
        """Flat values for a manifest."""
        return {
            "joules": round(self.joules, 3),
            "joules_low": round(self.low, 3),
            "joules_high": round(self.high, 3),
            "energy_method": self.method,
        }

    def _poll(self) -> None:
        while not self.done.wait(POLL_SECONDS):
            for zone in self.zones:
                zone.look()

    def _read(self) -> None:
        for zone in self.zones:
            zone.look()
        self.joules = self.low = self.high = sum(zone.total for zone in self.zones) / 1e6
        self.method = "rapl"

    def _estimate(self) -> None:
        watts = load_catalogue()[WATTS_PER_CORE]
        self.joules = self.cpu_seconds * watts.value
        self.low, self.high = self.cpu_seconds * watts.low, self.cpu_seconds * watts.high
        self.method = (
            f"estimate: CPU seconds x {watts.value:g} W a busy core ({watts.low:g} to "
            f"{watts.high:g}; {watts.source}, {watts.as_of})"
        )


def _cpu_seconds() -> float:
    """User and system seconds of this process and of its children that have ended.

    getrusage(2) counts microseconds; os.times() would count ticks of 10 ms, longer than an answer.
    """
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, who))
