"""A peer in its own environment: made once under .benchmarks, driven over pipes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from _common import NotMeasuredError

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parent / ".benchmarks"


class Peer:
    """A process of the peer's Python; `ask` sends one JSON line and waits for one back."""

    def __init__(self, python: str, script: str) -> None:
        command = [python, str(HERE / script)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, command: str, *arguments: Any) -> Any:
        """Result of a command of the peer's script."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([command, *arguments]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise NotMeasuredError(f"the peer ended at `{command}`; its message stands above")
        return json.loads(line)

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()  # the peer's loop over its input ends
        self.process.wait(timeout=10)


def peer_python(peer: str, module: str, install: bool, seconds: float) -> str | None:
    """A Python that has the peer: its own, made when `install`, else ours if `module` is there.

    None where there is neither. What `requirements-<peer>.txt` names never enters our environment;
    a peer that is there is an oracle of the tests, and may be older or without its accelerators.
    """
    requirements = HERE / f"requirements-{peer}.txt"
    folder = ENVIRONMENTS / peer
    python = folder / "bin" / "python"
    stamp = folder / hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    if not stamp.exists() and install:
        _install(folder, python, requirements, stamp, seconds)
    if stamp.exists():
        return str(python)
    if importlib.util.find_spec(module):
        print(f"{peer}: no environment of its own; taking the one that our tests install")
        return sys.executable
    print(
        f"{peer}: not here; `pip install -r benchmarks/{requirements.name}` failed or was not run"
    )
    return None


def _install(folder: Path, python: Path, requirements: Path, stamp: Path, seconds: float) -> None:
    print(f"installing {requirements.name} into {folder.relative_to(HERE.parent)} ...", flush=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    make = [sys.executable, "-m", "venv", "--clear", str(folder)]
    if _done(make, seconds) and _done([*pip, "--no-input", "-r", str(requirements)], seconds):
        stamp.touch()


def _done(command: list[str], seconds: float) -> bool:
    """Whether a command succeeded in time; it is ended with its children when it did not."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        print(f"not installed within {seconds:g} s; a run without --quick waits longer")
        return False
    if process.returncode:
        print("pip:", (output.strip().splitlines() or ["no message"])[-1])
    return process.returncode == 0
