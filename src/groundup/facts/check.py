"""Checks that a config value is allowed; errors name key, value and what is allowed."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from groundup.facts.errors import ConfigError


def in_range(key: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuse `value` outside [low, high]; raises ConfigError."""
    if not low <= value <= high:
        allowed = f"at least {low:g}" if high == float("inf") else f"{low:g} to {high:g}"
        raise ConfigError(f"{key} = {value!r}: allowed is {allowed}")


def one_of(key: str, value: str, allowed: Collection[str]) -> None:
    """Refuse `value` that is not in `allowed`, suggesting the nearest; raises ConfigError."""
    if value not in allowed:
        listing = ", ".join(word or '""' for word in sorted(allowed))
        raise ConfigError(
            f"{key} = {value!r}: {suggest(value, allowed)}allowed is one of: {listing}"
        )


def suggest(found: str, allowed: Collection[str]) -> str:
    """Say `did you mean ...? ` for the nearest allowed word, or nothing when none is near."""
    near = get_close_matches(found, list(allowed), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}? " if near else ""
