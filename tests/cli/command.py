"""Runs the `groundup` command as a user does, in a process of its own."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

GROUNDUP = [sys.executable, "-m", "groundup.cli.main"]


def groundup(
    folder: Path, *arguments: str, status: int = 0, timeout: float = 400
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*GROUNDUP, *arguments], cwd=folder, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == status, f"{shlex.join(arguments)}:\n{done.stdout}\n{done.stderr}"
    return done


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*GROUNDUP, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
