"""A release: the directory that the pipeline promoted, with everything that is served."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.facts.errors import ArtifactError

# artifacts that a server cannot do without; `quantised` and `eval` may be absent
NEEDED = ("documents", "tokenizer", "encoder", "index", "model")


@dataclass(frozen=True)
class Rate:
    """One planned number of the receipt with its interval and source."""

    value: float
    low: float
    high: float
    unit: str
    source: str
    as_of: str = ""


@dataclass(frozen=True)
class Gate:
    """The outcome of one evaluation gate."""

    name: str
    passed: bool
    value: float | None
    threshold: float | None


@dataclass(frozen=True)
class Release:
    """What `release.json` says, with artifact directories resolved and checked."""

    directory: Path
    name: str
    created: str
    stack: str
    artifacts: Mapping[str, Path]
    manifests: Mapping[str, Mapping[str, Any]]
    rates: Mapping[str, Rate]
    gates: tuple[Gate, ...]
    examples: tuple[str, ...] = ()

    @property
    def served_model(self) -> Path:
        """Directory of the model that answers: the quantised one where there is one."""
        return self.artifacts.get("quantised", self.artifacts["model"])

    @property
    def failed_gates(self) -> tuple[Gate, ...]:
        """Gates that this release does not pass."""
        return tuple(gate for gate in self.gates if not gate.passed)


def open_release(directory: Path) -> Release:
    """Read `release.json` in `directory`.

    Raises ArtifactError naming the file and key when something is missing or has the wrong type.
    """
    file = directory / "release.json"
    record = _read_object(file)
    return Release(
        directory=directory,
        name=_text(record, "name", file),
        created=_text(record, "created", file),
        stack=_stack_name(record.get("stack")),
        artifacts=_artifacts(directory, _table(record, "artifacts", file), file),
        manifests=_table(record, "manifests", file),
        rates=_rates(_table(record, "plan", file), file),
        gates=tuple(_gate(entry, file) for entry in record.get("gates", [])),
        examples=tuple(str(question) for question in record.get("examples", [])),
    )


def _read_object(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(
            f"{file}: not found; expected a release written by `groundup run`. "
            "Run it first, or name a directory that holds release.json."
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ArtifactError(f"{file}: not readable as JSON ({error})") from error
    if not isinstance(record, dict):
        raise ArtifactError(f"{file}: found {type(record).__name__}, expected an object")
    return record


def _text(record: Mapping[str, Any], key: str, file: Path) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value:
        raise ArtifactError(f"{file}: `{key}` is {value!r}, expected a non-empty string")
    return value


def _table(record: Mapping[str, Any], key: str, file: Path) -> dict[str, Any]:
    value = record.get(key)
    if not isinstance(value, dict):
        raise ArtifactError(f"{file}: `{key}` is {value!r}, expected an object")
    return value


def _stack_name(stack: Any) -> str:
    """A stack is named by a string, or by the `name` inside its resolved table."""
    if isinstance(stack, dict):
        return str(stack.get("name", ""))
    return "" if stack is None else str(stack)


def _artifacts(directory: Path, paths: Mapping[str, Any], file: Path) -> dict[str, Path]:
    """Resolve artifact directories and check that each is there."""
    missing = [name for name in NEEDED if name not in paths]
    if missing:
        raise ArtifactError(
            f"{file}: artifacts {missing} are missing; found {sorted(paths)}. "
            "Run `groundup run` again to finish the release."
        )
    found = {}
    for name, relative in paths.items():
        if not isinstance(relative, str):
            raise ArtifactError(f"{file}: artifacts.{name} is {relative!r}, expected a path")
        path = (directory / relative).resolve()
        if not path.is_dir():
            raise ArtifactError(f"{file}: artifacts.{name} names {path}, which is no directory")
        found[name] = path
    return found


def _rates(plan: Mapping[str, Any], file: Path) -> dict[str, Rate]:
    """Read `plan.rates`; a rate that is absent stays absent, and the receipt says so."""
    rates = plan.get("rates", {})
    if not isinstance(rates, dict):
        raise ArtifactError(f"{file}: plan.rates is {rates!r}, expected an object")
    return {name: _rate(name, entry, file) for name, entry in rates.items()}


def _rate(name: str, entry: Any, file: Path) -> Rate:
    where = f"{file}: plan.rates.{name}"
    if not isinstance(entry, dict):
        raise ArtifactError(f"{where} is {entry!r}, expected value, low, high, unit, source, as_of")
    numbers = [entry.get(key) for key in ("low", "value", "high")]
    known = [float(n) for n in numbers if isinstance(n, int | float) and not isinstance(n, bool)]
    if len(known) != 3:
        raise ArtifactError(f"{where}: low, value, high are {numbers}, expected numbers")
    low, value, high = known
    if not 0 <= low <= value <= high:
        raise ArtifactError(f"{where}: expected 0 <= low <= value <= high, found {numbers}")
    unit, source = _text(entry, "unit", file), _text(entry, "source", file)
    return Rate(value, low, high, unit, source, str(entry.get("as_of", "")))


def _gate(entry: Any, file: Path) -> Gate:
    if not isinstance(entry, dict) or not isinstance(entry.get("passed"), bool):
        raise ArtifactError(f"{file}: gates holds {entry!r}, expected name, passed, value")
    return Gate(
        name=_text(entry, "name", file),
        passed=entry["passed"],
        value=_number(entry.get("value")),
        threshold=_number(entry.get("threshold")),
    )


def _number(value: Any) -> float | None:
    """A gate whose number could not be measured has none."""
    return float(value) if isinstance(value, int | float) else None
