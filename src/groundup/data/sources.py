"""SourceFile: a file to read, before it is read, with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """Where a document comes from; `module` is its dotted Python name or ""."""

    path: str
    uri: str
    kind: str
    source: str
    version: str
    licence: str
    licence_evidence: str
    module: str = ""
    package: bool = False
    trusted: bool = False
    """A person's own file: kept whatever it looks like, as long as it is text."""
