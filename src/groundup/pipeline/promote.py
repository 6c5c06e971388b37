"""The pointer to the served release: replaced in one step, and only by a candidate that passed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from groundup.facts.errors import ArtifactError
from groundup.facts.files import write_json

FILE = "current.json"


@dataclass(frozen=True)
class Current:
    """What `runs/<stack>/current.json` points at."""

    release: Path
    """Directory of the served release artifact."""
    promoted: str
    """When it was promoted, UTC."""


def promote(home: Path, release: Path) -> None:
    """Point `home/current.json` at `release`; a reader sees the old pointer or the new one."""
    home.mkdir(parents=True, exist_ok=True)
    relative = Path("..") / release.relative_to(home.parent)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    before = read_current(home)
    write_json(
        home / FILE,
        {
            "release": relative.as_posix(),
            "promoted": when,
            "previous": before.release.name if before else None,
        },
    )


def read_current(home: Path) -> Current | None:
    """The served release of a stack, or None before the first promotion. Raises ArtifactError."""
    path = home / FILE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Current((home / record["release"]).resolve(), record["promoted"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{path}: unreadable ({error}); delete it and run `groundup run` again"
        ) from error
