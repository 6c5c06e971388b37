"""Reads a stack file: TOML in, a checked `Stack` out, errors that name file, key and remedy."""

from __future__ import annotations

import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from groundup.facts.check import suggest
from groundup.facts.errors import ConfigError
from groundup.stack.stack import LAYER_TABLES, Stack

_TOP_KEYS = ("name", "description")


def load_stack(path: Path, overrides: Sequence[str] = ()) -> Stack:
    """Read the stack file at `path`; `overrides` are `table.key=value` in TOML syntax.

    Raises ConfigError naming file, key, what was found and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such stack file; `groundup init` writes one, stacks/ holds examples"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return _beside(parse_stack(text, str(path), overrides), path.parent)


def _beside(stack: Stack, folder: Path) -> Stack:
    """Folders that the file names are meant from where the file stands."""
    docs = tuple(str(folder / Path(name).expanduser()) for name in stack.data.docs)
    return replace(stack, data=replace(stack.data, docs=docs))


def parse_stack(text: str, path: str, overrides: Sequence[str] = ()) -> Stack:
    """Parse the text of a stack file; `path` is used in errors. Raises ConfigError."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    for override in overrides:
        _apply(tables, override, path)
    top = _check_top(tables, path)
    layers: dict[str, Any] = {
        name: _build(kind, tables.get(name, {}), name, path) for name, kind in LAYER_TABLES.items()
    }
    explicit = {f"{table}.{key}" for table in LAYER_TABLES for key in tables.get(table, {})}
    return Stack(**top, **layers, path=path, explicit=frozenset(explicit))


def _check_top(tables: Mapping[str, Any], path: str) -> dict[str, Any]:
    allowed = (*_TOP_KEYS, *LAYER_TABLES)
    for key in tables:
        if key not in allowed:
            raise ConfigError(
                f"{path}: unknown {'table' if isinstance(tables[key], dict) else 'key'} {key!r}; "
                f"{suggest(key, allowed)}allowed: {', '.join(allowed)}"
            )
    top = {key: tables[key] for key in _TOP_KEYS if key in tables}
    for key, value in top.items():
        if not isinstance(value, str):
            raise ConfigError(f"{path}: {key} = {value!r}: expected text")
    name = top.get("name", Path(path).stem)
    if not name or any(letter in name for letter in '/\\:*?"<>|') or name.startswith("."):
        raise ConfigError(
            f"{path}: name = {name!r}: it names a folder under runs/; "
            "use letters, digits, '-' and '_'"
        )
    return {**top, "name": name}


def _build(kind: type, table: Any, name: str, path: str) -> Any:
    """Make the config `kind` out of one TOML table."""
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: {name} = {table!r}: expected a table, write [{name}]")
    hints = get_type_hints(kind)
    known = [field.name for field in fields(kind)]
    for key in table:
        if key not in known:
            raise ConfigError(
                f"{path}: [{name}] {key}: unknown key; "
                f"{suggest(key, known)}allowed: {', '.join(known)}"
            )
    values = {
        key: _convert(value, hints[key], f"{path}: [{name}] {key}") for key, value in table.items()
    }
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _convert(value: Any, hint: Any, where: str) -> Any:
    """Turn a TOML value into the type that the config field declares."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _convert(value, next(arg for arg in get_args(hint) if arg is not type(None)), where)
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigError(f'{where} = {value!r}: expected a list, e.g. ["one", "two"]')
        return tuple(_convert(item, get_args(hint)[0], where) for item in value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and is_number:
        return float(value)
    if hint is int and is_number and float(value).is_integer():
        return int(value)
    if hint in (str, bool) and isinstance(value, hint):
        return value
    expected = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}
    raise ConfigError(f"{where} = {value!r}: expected {expected[hint]}")


def _apply(tables: dict[str, Any], override: str, path: str) -> None:
    """Set `table.key=value` in the parsed tables; a bare word is taken as text."""
    key, equals, raw = override.partition("=")
    table, dot, name = key.strip().partition(".")
    if not equals or not dot:
        raise ConfigError(f"--set {override!r}: expected table.key=value, e.g. chips.count=8")
    try:
        value = tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        value = raw.strip()
    if table not in LAYER_TABLES:
        raise ConfigError(f"--set {override!r}: {suggest(table, LAYER_TABLES)}no table {table!r}")
    target = tables.setdefault(table, {})
    if not isinstance(target, dict):
        raise ConfigError(f"{path}: {table} = {target!r}: expected a table, write [{table}]")
    target[name] = value
