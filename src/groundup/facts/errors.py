"""The one error tree of groundup: every message names what was found, where, and the remedy."""

from __future__ import annotations


class GroundupError(Exception):
    """Base of every error that groundup raises on purpose; printed without a traceback."""


class ConfigError(GroundupError):
    """A stack file or a config value is wrong; the text names file, key, value and what is
    allowed.
    """


class FactError(GroundupError):
    """A fact is missing, incomplete or contradicts an identity."""


class UnitError(GroundupError):
    """Two quantities with units that do not fit were combined."""


class NoDataError(GroundupError):
    """There is no sourced number for what was asked; groundup refuses to invent one."""


class DataError(GroundupError):
    """Documents, shards or pairs are missing, unreadable or empty."""


class ArtifactError(GroundupError):
    """A pipeline artifact is missing, incomplete or was changed after it was written."""


class GateError(GroundupError):
    """An evaluation gate failed, so the candidate is not promoted."""


class ServeError(GroundupError):
    """The server cannot start or cannot answer."""
