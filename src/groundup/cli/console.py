"""Progress on the terminal: a bar with rate and ETA, or plain lines when output is a file."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

from groundup.pipeline.manifest import Manifest
from groundup.pipeline.step import Progress
from groundup.pipeline.store import describe

_BAR = 24
_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 10.0


@dataclass
class Bar:
    """State of one progress line: where it stood when its label began, and when it was drawn."""

    label: str = ""
    started: float = 0.0
    first: float = 0.0
    drawn: float = float("-inf")


@dataclass
class Console:
    """Prints what the pipeline says; everything goes to `out` (standard error by default)."""

    out: TextIO = field(default_factory=lambda: sys.stderr)
    quiet: bool = False
    _bar: Bar = field(default_factory=Bar)
    _line_open: bool = False

    def say(self, text: str = "") -> None:
        """Print a line of text, above any progress bar."""
        if not self.quiet:
            self._clear()
            print(text, file=self.out, flush=True)

    def step_started(self, step: str, key: str, resumed: bool) -> None:
        """A step begins."""
        note = " (going on from where it was stopped)" if resumed else ""
        self.say(f"▸ {step}{note}")

    def step_done(self, step: str, manifest: Manifest, fresh: bool) -> None:
        """A step is finished: its cost and main metrics on one line."""
        if not fresh:
            self.say(f"✓ {step}  done before ({step}-{manifest.key})")
            return
        joules = f"{manifest.joules:.0f} J ({manifest.joules_method.split(':')[0]})"
        facts = "  ".join(
            f"{name} {describe(value)}"
            for name, value in manifest.metrics.items()
            if isinstance(value, int | float) and not name.startswith("_")
        )
        width = shutil.get_terminal_size((120, 24)).columns
        self.say(f"✓ {step}  {manifest.seconds:.1f} s, {joules}")
        if facts:
            self.say("    " + (facts if len(facts) < width - 4 else facts[: width - 8] + " …"))

    def waiting(self, step: str) -> None:
        """Another run holds the lock of this artifact."""
        self.say(f"… {step}: another run is making it; waiting")

    def progress(self, step: str) -> Progress:
        """A progress callable that draws the bar of `step`."""

        def draw(label: str, done: float, total: float) -> None:
            self._draw(f"{step}: {label}" if label else step, done, total)

        return draw

    def _draw(self, label: str, done: float, total: float) -> None:
        if self.quiet:
            return
        now = time.monotonic()
        if label != self._bar.label:
            self._bar = Bar(label, now, done)
        pause = _REDRAW_SECONDS if self.out.isatty() else _LINE_SECONDS
        if now - self._bar.drawn < pause and done < total:
            return
        if not self.out.isatty() and self._bar.drawn == float("-inf") and done < total:
            self._bar.drawn = now  # short work says nothing in a log file
            return
        self._bar.drawn = now
        text = progress_line(label, done, total, done - self._bar.first, now - self._bar.started)
        if self.out.isatty():
            columns = shutil.get_terminal_size((100, 24)).columns
            print("\r\x1b[2K" + text[: columns - 1], end="", file=self.out, flush=True)
            self._line_open = True
        else:
            print("    " + text, file=self.out, flush=True)

    def _clear(self) -> None:
        if self._line_open:
            print("\r\x1b[2K", end="", file=self.out)
            self._line_open = False


def progress_line(label: str, done: float, total: float, gained: float, seconds: float) -> str:
    """One line: bar, share, rate and time left; `gained` units were done in `seconds`."""
    share = min(done / total, 1.0) if total > 0 else 1.0
    filled = round(share * _BAR)
    rate = gained / seconds if seconds > 0 else 0.0
    left = (total - done) / rate if rate > 0 else float("inf")
    eta = f"ETA {clock(left)}" if 0 < left < float("inf") else ""
    speed = f"{_short(rate)}/s" if rate > 0 else ""
    bar = "█" * filled + "░" * (_BAR - filled)
    return f"{label}  {bar} {share:4.0%}  {_short(done)}/{_short(total)}  {speed}  {eta}".rstrip()


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"


def _short(number: float) -> str:
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.3g}{suffix}"
    return f"{number:.3g}"
