"""The peak memory of one stretch of work, not of the whole process so far."""

from __future__ import annotations

import ctypes
import gc
import re
from pathlib import Path
from types import TracebackType

from groundup.systems.memory import peak_rss_bytes

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Context manager; `peak_bytes` is the largest resident set while it was open.

    On Linux what earlier work left behind is given back (malloc_trim(3)) and the kernel's
    high-water mark is reset first (proc(5), clear_refs, value 5). Where that is not possible the
    mark of the whole process is what there is, an upper bound.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0

    def __enter__(self) -> PeakMemory:
        gc.collect()
        _give_back()
        try:
            _CLEAR.write_text("5")
        except OSError:
            return self  # not Linux, or not permitted: peak_bytes stays an upper bound
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.peak_bytes = _high_water_bytes()


def _give_back() -> None:
    """Return freed heap to the system where the C library can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _high_water_bytes() -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else peak_rss_bytes()
