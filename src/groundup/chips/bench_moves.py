"""Moving bytes on this machine: memory, disk, and between two processes."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np

from groundup.chips.bench import Bench, timed

COPY_BYTES = 128 * 2**20
"""Two arrays of it exceed the caches, so that the copy measures memory."""
DISK_BYTES = 64 * 2**20
_MESSAGE = 16 * 2**20
"""Bytes of one message between processes."""
_PINGS = 200
"""Round trips in one timing: one alone is shorter than the clock is steady."""
_START = 20.0
"""Seconds that the other process may take to start."""
HEADER = struct.Struct("!cQ")
"""Kind of a message (`b` bytes to swallow, `p` pings to return) and how many."""


def copy() -> Bench:
    """Copy of an array beyond the caches, bytes read and written."""
    return Bench("memory copy", _copying, 2.0 * COPY_BYTES)


def _copying() -> Callable[[], float]:
    source = np.ones(COPY_BYTES // 8)
    target = np.empty_like(source)
    return timed(lambda: np.copyto(target, source))


def triad() -> Bench:
    """STREAM triad a = b + s c in blocks that stay cached between its two passes, bytes."""
    return Bench("triad", _adding, 3.0 * COPY_BYTES)


def _adding() -> Callable[[], float]:
    length = COPY_BYTES // 8
    a, b, c = np.empty(length), np.ones(length), np.ones(length)
    block = 2**15

    def run() -> None:
        for start in range(0, length, block):
            part = slice(start, start + block)
            np.multiply(c[part], 3.0, out=a[part])
            np.add(a[part], b[part], out=a[part])

    return timed(run)


def disk_write() -> Bench:
    """Writing and syncing a file in the temporary directory, bytes."""
    block = os.urandom(2**20)

    def run() -> float:
        with tempfile.TemporaryFile() as file:
            start = time.perf_counter()
            for _ in range(DISK_BYTES // len(block)):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            return time.perf_counter() - start

    return Bench("disk write", lambda: run, float(DISK_BYTES))


@contextlib.contextmanager
def disk_read() -> Iterator[list[Bench]]:
    """Reading a file that was pushed out of the page cache, bytes; none where the system cannot."""
    if not hasattr(os, "posix_fadvise"):
        yield []
        return
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(os.urandom(DISK_BYTES))
        os.fsync(file.fileno())
        buffer = memoryview(bytearray(2**20))

        def run() -> float:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            file.seek(0)
            start = time.perf_counter()
            while file.readinto(buffer):
                pass
            return time.perf_counter() - start

        yield [Bench("disk.read", lambda: run, float(DISK_BYTES))]


@contextlib.contextmanager
def processes() -> Iterator[list[Bench]]:
    """Bytes to another process over loopback TCP, and round trips; ends the process afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        child = subprocess.Popen([sys.executable, "-m", "groundup.chips.echo", str(port)])
        try:
            server.settimeout(_START)
            link, _ = server.accept()
            with link:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                yield [_sending(link), _pinging(link)]
        finally:
            child.terminate()
            child.wait()


def receive(link: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes; ConnectionError where the other side ends before."""
    parts = bytearray()
    while len(parts) < count:
        got = link.recv(min(count - len(parts), 2**20))
        if not got:
            raise ConnectionError(f"the other process ended after {len(parts)} of {count} bytes")
        parts += got
    return bytes(parts)


def _sending(link: socket.socket) -> Bench:
    message = bytes(_MESSAGE)

    def run() -> None:
        link.sendall(HEADER.pack(b"b", len(message)))
        link.sendall(message)
        receive(link, 1)

    return Bench("process.bandwidth", lambda: timed(_apart(run)), float(_MESSAGE))


def _pinging(link: socket.socket) -> Bench:
    def run() -> None:
        link.sendall(HEADER.pack(b"p", _PINGS))
        for _ in range(_PINGS):
            link.sendall(b"x")
            receive(link, 1)

    return Bench("process.round_trips", lambda: timed(_apart(run)), float(_PINGS))


def stay_on(core: int) -> None:
    """Keep the calling thread on one of the cores that it may use, counted from either end.

    Two processes that the system puts on one core, or moves about, would be timed taking turns.
    Does nothing where the system cannot say.
    """
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[core]})


def _apart(work: Callable[[], None]) -> Callable[[], None]:
    """The work on the first core, while the other process has the last."""

    def run() -> None:
        if not hasattr(os, "sched_setaffinity"):
            work()
            return
        before = os.sched_getaffinity(0)
        stay_on(0)
        try:
            work()
        finally:
            os.sched_setaffinity(0, before)

    return run
