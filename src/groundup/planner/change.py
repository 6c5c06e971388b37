"""Changes that a what-if asks for: of a fact, of a key of the stack file, or of a supplier."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from groundup.facts.catalogue import Catalogue
from groundup.facts.check import suggest
from groundup.facts.errors import ConfigError, FactError, NoDataError
from groundup.facts.fact import Fact
from groundup.materials.shocks import STEPS, Shock, country_shocks
from groundup.stack.stack import LAYER_TABLES, Stack

_RELATIVE = re.compile(r"(?:x(?P<times>[0-9.eE+-]+)|(?P<percent>[+-][0-9.]+) ?%)")


@dataclass(frozen=True)
class Change:
    """`key=value` as it was written, read as an absolute value or a factor."""

    key: str
    """Key of a fact (`fabs.node.n5.wafer_price`) or of the stack file (`chips.count`)."""
    value: str
    """Absolute value as text; empty where it is relative."""
    factor: float | None
    """What the present value is multiplied by; None where the value is absolute."""

    @property
    def text(self) -> str:
        """The change for people: `chips.count x 2`, `networks.optics = copper`."""
        if self.factor is None:
            return f"{self.key} = {self.value}"
        percent = 100 * (self.factor - 1)
        return f"{self.key} {percent:+.4g} %"


@dataclass(frozen=True)
class Changes:
    """All changes of one what-if, sorted by what they change."""

    stack: tuple[Change, ...] = ()
    """Of keys of the stack file."""
    facts: tuple[Change, ...] = ()
    """Of facts."""
    shocks: tuple[Shock, ...] = ()
    """Of suppliers of materials, for some months."""


def parse_change(text: str) -> Change:
    """Read `KEY=VALUE`, `KEY=x0.5`, `KEY=-90%`; raises ConfigError with an example otherwise."""
    key, equals, raw = (part.strip() for part in text.partition("="))
    if not equals or not raw or "." not in key:
        raise ConfigError(
            f"{text!r}: expected KEY=VALUE, KEY=xFACTOR or KEY=+-PERCENT%, "
            "e.g. chips.count=x2 or materials.gallium.refining.china=-90%"
        )
    found = _RELATIVE.fullmatch(raw)
    if found is None:
        return Change(key, raw, None)
    try:
        if found["times"] is not None:
            factor = float(found["times"])
        else:
            factor = 1 + float(found["percent"]) / 100
    except ValueError:
        raise ConfigError(f"{text!r}: {raw!r} is not a number; e.g. x0.5 or -90%") from None
    if factor < 0:
        raise ConfigError(f"{text!r}: would make the value negative; the least is -100%")
    return Change(key, "", factor)


def sort_changes(
    changes: Sequence[Change], stack: Stack, facts: Catalogue, start: int, months: int
) -> Changes:
    """Tell stack keys, facts and suppliers apart; a supplier's loss lasts `months` from `start`.

    `materials.china=-50%` is all that a country supplies. Raises ConfigError for a key that is none
    of them, with the nearest keys.
    """
    of_stack: list[Change] = []
    of_facts: list[Change] = []
    shocks: list[Shock] = []
    for change in changes:
        lost = _shocks(change, facts, start, months)
        if _is_stack_key(change.key):
            of_stack.append(change)
        elif lost:
            shocks += lost
        elif change.key in facts:
            of_facts.append(change)
        else:
            raise ConfigError(_unknown(change.key, stack, facts))
    return Changes(tuple(of_stack), tuple(of_facts), tuple(shocks))


def overrides(changes: Changes, stack: Stack) -> list[str]:
    """The changes of stack keys as `table.key=value`, for `load_stack`.

    Raises ConfigError where something that is not a number would be scaled.
    """
    return [_override(change, stack) for change in changes.stack]


def changed_facts(changes: Changes, facts: Catalogue) -> Iterable[Fact]:
    """The facts that the changes ask for: scaled with their bounds, or set without doubt."""
    return [_changed(change, facts[change.key]) for change in changes.facts]


def _is_stack_key(key: str) -> bool:
    table, _, name = key.partition(".")
    return table in LAYER_TABLES and name in {field.name for field in fields(LAYER_TABLES[table])}


def _shocks(change: Change, facts: Catalogue, start: int, months: int) -> tuple[Shock, ...]:
    """The losses of suppliers, where the change lowers what one or a whole country supplies."""
    words = change.key.split(".")
    if words[0] != "materials":
        return ()
    if len(words) == 2 and change.factor is not None and change.factor < 1:
        return _of_country(words[1], 1 - change.factor, facts, start, months)
    if len(words) != 4 or words[2] not in STEPS or change.key not in facts:
        return ()
    fact = facts[change.key]
    left = change.factor if change.factor is not None else _number(change, fact) / fact.value
    return () if left >= 1 else (Shock(words[1], words[2], words[3], 1 - left, start, months),)


def _of_country(
    country: str, lost: float, facts: Catalogue, start: int, months: int
) -> tuple[Shock, ...]:
    try:
        return country_shocks(country, lost, start, months, facts)
    except NoDataError:  # no supplier of that name: perhaps a key of the stack file
        return ()


def _override(change: Change, stack: Stack) -> str:
    if change.factor is None:
        return f"{change.key}={change.value}"
    table, _, name = change.key.partition(".")
    value = getattr(getattr(stack, table), name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(
            f"{change.text}: {change.key} is {value!r} in {stack.path}, not a number; "
            f"give a value instead, {change.key}=..."
        )
    scaled = value * change.factor
    return f"{change.key}={round(scaled) if isinstance(value, int) else scaled}"


def _changed(change: Change, fact: Fact) -> Fact:
    note = f"changed by what-if: {change.text}; recorded value {fact.value:g} {fact.unit}"
    try:
        if change.factor is not None:
            times = change.factor
            low, value, high = (times * x for x in (fact.low, fact.value, fact.high))
            return replace(fact, low=low, value=value, high=high, note=note, conflicts=())
        value = _number(change, fact)
        return replace(fact, low=value, value=value, high=value, note=note, conflicts=())
    except FactError as error:
        raise ConfigError(f"{change.text}: {error}") from error


def _number(change: Change, fact: Fact) -> float:
    try:
        return float(change.value)
    except ValueError:
        raise ConfigError(
            f"{change.text}: {change.key} is a number in {fact.unit}, found {change.value!r}"
        ) from None


def _unknown(key: str, stack: Stack, facts: Catalogue) -> str:
    table = key.partition(".")[0]
    known = [fact.key for fact in facts if fact.key.startswith(f"{table}.")]
    if table in LAYER_TABLES:
        known += [f"{table}.{field.name}" for field in fields(LAYER_TABLES[table])]
    else:
        known = [fact.key for fact in facts]
    hint = suggest(key, known)
    return (
        f"{key!r} is neither a fact nor a key of the stack file; {hint}"
        f"`groundup explain {stack.path} LAYER.COLUMN` shows the facts behind a cell"
    )
