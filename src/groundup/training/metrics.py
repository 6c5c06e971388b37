"""metrics.jsonl: one JSON object a step, appended live and cut back on resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class MetricsFile:
    """An append-only log whose lines carry a `step`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("a", encoding="utf-8")

    def write(self, record: dict[str, Any]) -> None:
        """Append one record; it is visible to readers at once."""
        self.file.write(json.dumps(record) + "\n")
        self.file.flush()

    def keep_through(self, step: int) -> None:
        """Drop records after `step` (a killed run may have logged steps it did not keep)."""
        self.file.close()
        kept = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:  # the half line of a killed write
                continue
            if record["step"] <= step:
                kept.append(line + "\n")
        self.path.write_text("".join(kept), encoding="utf-8")
        self.file = self.path.open("a", encoding="utf-8")

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self.file.flush()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Records of a metrics.jsonl, oldest first."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
