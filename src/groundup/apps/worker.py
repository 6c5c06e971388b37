"""The one thread that runs the model: requests queue for it, and stop when nobody listens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from groundup.apps.errors import ApiError

T = TypeVar("T")


class _End:
    """Marks the end of a stream."""


END = _End()


class Worker:
    """Runs jobs one at a time, in order of arrival.

    One at a time because the model already uses every core, and because the energy of a request
    can only be told apart from its neighbour's when they do not overlap.
    """

    def __init__(self, waiting_limit: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._limit = waiting_limit
        self.waiting = 0

    async def call(self, job: Callable[[], T]) -> T:
        """Run a job and return its result; ApiError 429 when too many wait."""
        self.admit()
        self.waiting += 1
        try:
            return await asyncio.wrap_future(self._pool.submit(job))
        finally:
            self.waiting -= 1

    async def stream(self, job: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
        """Yield what a job yields, as it comes.

        When the consumer goes away the job is closed at its next item, so its `finally` runs and
        the thread is free again. ApiError 429 when too many wait.
        """
        self.admit()
        self.waiting += 1
        loop, gone = asyncio.get_running_loop(), threading.Event()
        items: asyncio.Queue[T | _End] = asyncio.Queue()

        def run() -> None:
            try:
                if not gone.is_set():
                    for item in _until(job(), gone):
                        loop.call_soon_threadsafe(items.put_nowait, item)
            finally:
                loop.call_soon_threadsafe(items.put_nowait, END)

        future = self._pool.submit(run)
        try:
            while not isinstance(item := await items.get(), _End):
                yield item
            await asyncio.wrap_future(future)  # raises what the job raised
        finally:
            gone.set()
            future.cancel()
            self.waiting -= 1

    def admit(self) -> None:
        """Raise ApiError 429 when the queue is full."""
        if self.waiting >= self._limit:
            raise ApiError(429, f"{self.waiting} requests are waiting already; try again soon")

    def close(self) -> None:
        """Let the running job end and take no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _until(items: Iterator[T], gone: threading.Event) -> Iterator[T]:
    """Yield items until `gone` is set, then close the source."""
    try:
        for item in items:
            if gone.is_set():
                return
            yield item
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
