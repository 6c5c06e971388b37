"""The artifact store under `runs/`: keys, finished artifacts, half-made ones, locks, disk room.

Layout: `artifacts/<step>-<key>/` finished (only ever renamed into place), `work/<step>-<key>/`
half made, `locks/` one lock file a key. A kill at any moment leaves either a finished artifact or
a work directory that the next run takes over.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from groundup.facts.errors import ArtifactError
from groundup.pipeline.code import code_digest
from groundup.pipeline.manifest import Manifest, check_sizes, read_manifest, write_manifest
from groundup.pipeline.step import Step


def step_key(step: Step, input_keys: Mapping[str, str]) -> str:
    """Content address of a step: SHA-256 of inputs + config + code, 16 hex digits."""
    identity = {
        "step": step.name,
        "inputs": {name: input_keys[name] for name in step.inputs},
        "config": step.config,
        "code": code_digest(step.code),
    }
    text = json.dumps(identity, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Store:
    """Artifacts below one directory; safe with several runs at once on one machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("artifacts", "work", "locks"):
            self._make(root / name)

    @staticmethod
    def _make(path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArtifactError(
                f"{path}: cannot be made ({error.strerror}); choose another place with --runs DIR"
            ) from error

    def final(self, step: str, key: str) -> Path:
        """Directory of the finished artifact."""
        return self.root / "artifacts" / f"{step}-{key}"

    def work(self, step: str, key: str) -> Path:
        """Directory of the artifact while it is being made."""
        return self.root / "work" / f"{step}-{key}"

    def find(self, step: str, key: str) -> Manifest | None:
        """The manifest of the finished artifact, or None. Raises ArtifactError if damaged."""
        directory = self.final(step, key)
        if not directory.exists():
            return None
        manifest = read_manifest(directory)
        check_sizes(directory, manifest)
        return manifest

    def finish(self, step: str, key: str, manifest: Manifest) -> Path:
        """Seal the work directory with its manifest and rename it into place."""
        work, final = self.work(step, key), self.final(step, key)
        for leftover in work.rglob(".*.part"):
            leftover.unlink()
        write_manifest(work, manifest)
        work.rename(final)
        _sync_directory(final.parent)
        return final

    def discard(self, step: str, key: str) -> None:
        """Empty the work directory of a step that cannot resume."""
        shutil.rmtree(self.work(step, key), ignore_errors=True)

    @contextmanager
    def lock(self, step: str, key: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the one lock of an artifact; calls `waiting` once if another run holds it.

        The kernel drops the lock when its holder dies, so a killed run blocks nobody.
        """
        path = self.root / "locks" / f"{step}-{key}.lock"
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def all(self) -> list[tuple[Path, Manifest]]:
        """Every finished artifact with its manifest, oldest first."""
        found = [
            (path, read_manifest(path))
            for path in (self.root / "artifacts").iterdir()
            if path.is_dir()
        ]
        return sorted(found, key=lambda item: item[1].finished)


@contextmanager
def disk_guard(place: Path) -> Iterator[None]:
    """Turn a full disk into a clear ArtifactError; whatever was finished before stays."""
    try:
        yield
    except OSError as error:
        # Writers of formats wrap the errno in their own message, so the text is looked at as well.
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) and "No space left" not in str(error):
            raise
        raise ArtifactError(full_disk_message(place)) from error


def full_disk_message(place: Path) -> str:
    """What to tell a user whose disk ran full while writing below `place`."""
    free = shutil.disk_usage(place if place.exists() else place.parent).free
    return (
        f"{place}: the disk is full ({free / 2**20:.0f} MiB free). Finished steps are kept and the "
        "served assistant is untouched; free some room and run `groundup run` again, "
        "it goes on from here"
    )


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe(value: Any) -> str:
    """One metric for people: four significant digits, text as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
