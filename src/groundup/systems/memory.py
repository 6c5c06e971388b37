"""How much memory this process has taken at most."""

from __future__ import annotations

import resource
import sys


def peak_rss_bytes() -> int:
    """Largest resident set of this process since it started, in bytes (getrusage(2))."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kibibytes everywhere but macOS
