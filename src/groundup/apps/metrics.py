"""Counters and the latency histogram, in Prometheus' text format 0.0.4."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]
# seconds; from a page asset to a long completion on two cores
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
HELP = {
    "groundup_requests_total": "HTTP requests by route, method and status.",
    "groundup_tokens_total": "Tokens read (prompt) and written (completion).",
    "groundup_joules_total": "Energy of answers and completions, by the way it was found.",
    "groundup_answers_total": "Answers of the assistant, by outcome.",
    "groundup_feedback_total": "Judgements of answers, by rating.",
    "groundup_reloads_total": "Times a new release was taken or refused.",
}


class Metrics:
    """Running totals of one server; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, dict[Labels, float]] = {name: {} for name in HELP}
        self._latency: dict[Labels, tuple[list[int], float]] = {}

    def add(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter that `HELP` names."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            series = self._counts[name]
            series[key] = series.get(key, 0.0) + amount

    def observe(self, route: str, seconds: float) -> None:
        """Add one request to the latency histogram."""
        key = (("route", route),)
        with self._lock:
            counts, total = self._latency.setdefault(key, ([0] * (len(BUCKETS) + 1), 0.0))
            counts[bisect_left(BUCKETS, seconds)] += 1
            self._latency[key] = (counts, total + seconds)

    def text(self, gauges: Iterable[tuple[str, str, Labels, float]]) -> str:
        """Return the exposition; `gauges` are (name, help, labels, value) read just now."""
        with self._lock:
            lines = [*self._counters(), *self._histogram()]
        for name, help_text, labels, value in gauges:
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
            lines.append(_sample(name, labels, value))
        return "\n".join(lines) + "\n"

    def _counters(self) -> Iterator[str]:
        for name, series in self._counts.items():
            yield f"# HELP {name} {HELP[name]}"
            yield f"# TYPE {name} counter"
            yield from (_sample(name, labels, value) for labels, value in series.items())

    def _histogram(self) -> Iterator[str]:
        name = "groundup_request_seconds"
        yield f"# HELP {name} Time from the first byte of a request to the last of its response."
        yield f"# TYPE {name} histogram"
        for labels, (counts, total) in self._latency.items():
            seen = 0
            for bound, count in zip([*BUCKETS, float("inf")], counts, strict=True):
                seen += count
                yield _sample(f"{name}_bucket", (*labels, ("le", _number(bound))), seen)
            yield _sample(f"{name}_sum", labels, total)
            yield _sample(f"{name}_count", labels, seen)


def _sample(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
    return f"{name}{{{inside}}} {_number(value)}" if inside else f"{name} {_number(value)}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
