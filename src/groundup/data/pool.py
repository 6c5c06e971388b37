"""Map a function over many items with a pool of processes, in order, or alone where none starts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

SMALL = 200  # items below which starting processes costs more than it brings


def mapped(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int | None = None
) -> Iterator[Result]:
    """Results in the order of the items. Spawned workers, so threads of a parent do no harm."""
    workers = workers or min(os.cpu_count() or 1, 8)
    if workers == 1 or len(items) < SMALL:
        yield from map(function, items)
        return
    done = 0
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_leave_interrupts)
    try:
        chunk = max(1, min(32, len(items) // (workers * 4)))
        for result in pool.map(function, items, chunksize=chunk):
            yield result
            done += 1
    except BrokenProcessPool:  # no processes here (a script without a main guard, a jail)
        yield from map(function, items[done:])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts() -> None:
    """Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
