"""manifest.json: what an artifact is, what it was made from, and what the making cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from groundup.facts.errors import ArtifactError
from groundup.facts.files import file_digest, write_json

FILE = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """The record beside every artifact; units: seconds, joules, bytes, UTC ISO times."""

    step: str
    key: str
    inputs: Mapping[str, str]
    config: Mapping[str, Any]
    code: str
    version: str
    seed: int
    licences: Mapping[str, int]
    sources: Mapping[str, int]
    metrics: Mapping[str, Any]
    seconds: float
    cpu_seconds: float
    joules: float
    joules_low: float
    joules_high: float
    joules_method: str
    peak_rss_bytes: int
    attempts: int
    started: str
    finished: str
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write manifest.json into `directory`."""
    write_json(directory / FILE, asdict(manifest))


def read_manifest(directory: Path) -> Manifest:
    """Read manifest.json of an artifact. Raises ArtifactError naming the file and the remedy."""
    path = directory / FILE
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; `groundup run` makes the artifact again") from None
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path}: unreadable ({error}); delete {directory} and run `groundup run` again"
        ) from error


def hash_files(directory: Path) -> dict[str, dict[str, Any]]:
    """SHA-256 and size of every file below `directory`, by relative path."""
    return {
        path.relative_to(directory).as_posix(): {
            "sha256": file_digest(path),
            "bytes": path.stat().st_size,
        }
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != FILE and not path.name.startswith(".")
    }


def check_sizes(directory: Path, manifest: Manifest) -> None:
    """Refuse an artifact with a file missing or of another size (cheap; no hashing)."""
    for name, record in manifest.files.items():
        path = directory / name
        if not path.is_file() or path.stat().st_size != record["bytes"]:
            raise ArtifactError(
                f"{path}: missing or changed since it was made; delete {directory} "
                "and run `groundup run` again"
            )


def verify_hashes(directory: Path, manifest: Manifest) -> list[str]:
    """Names of files whose bytes no longer match the manifest (empty when all do)."""
    return [
        name
        for name, record in manifest.files.items()
        if not (directory / name).is_file() or file_digest(directory / name) != record["sha256"]
    ]
