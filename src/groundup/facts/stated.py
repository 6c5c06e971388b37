"""A value that a stack file states or leaves at its default, as a leaf that says which."""

from __future__ import annotations

from groundup.facts.errors import ConfigError
from groundup.facts.estimate import Estimate, given
from groundup.facts.layer import Ask


def stack_labels(path: str, explicit: frozenset[str]) -> dict[str, str]:
    """Labels for the first `Ask` of a plan, from which `stated` takes file and set keys."""
    return {"stack": path, "stack.explicit": " ".join(sorted(explicit))}


def stated(ask: Ask, table: str, config: object, name: str, unit: str) -> Estimate:
    """The number `config.name` of `[table]`, with `file: table.key` or "default" as its source.

    Raises ConfigError where the value is not a number.
    """
    key, value = f"{table}.{name}", getattr(config, name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{key} = {value!r}: the plan needs a number here; set {key}")
    path = ask.labels.get("stack", "stack file")
    is_set = key in ask.labels.get("stack.explicit", key).split()
    return given(value, unit, key, f"{path}: {key}" if is_set else f"default of {key} in {path}")
