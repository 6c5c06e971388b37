"""The release that is served now: follows the pipeline's pointer, keeps the last good one."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from groundup.apps.metrics import Metrics
from groundup.apps.release import Release, open_release
from groundup.apps.service import Service
from groundup.facts.errors import ArtifactError, GateError, GroundupError

LOG = logging.getLogger("groundup.serve")


def find_release(root: Path) -> Path:
    """Return the release directory: `root` itself, or what `root/current.json` points to.

    The pointer is `{"release": "<directory, relative to root>"}`. ArtifactError when neither is
    there or the pointer is not readable.
    """
    pointer = root / "current.json"
    if not pointer.exists():
        return root
    try:
        target = json.loads(pointer.read_text(encoding="utf-8"))["release"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        expected = 'expected {"release": "<directory>"}'
        raise ArtifactError(f"{pointer}: not readable ({error!r}); {expected}") from error
    if not isinstance(target, str):
        raise ArtifactError(f"{pointer}: `release` is {target!r}, expected a directory")
    return root / target


def open_good(root: Path) -> Release:
    """Open the release that `root` names; GateError when it failed a gate."""
    release = open_release(find_release(root))
    if failed := release.failed_gates:
        names = ", ".join(f"{g.name} {g.value} (asked {g.threshold})" for g in failed)
        raise GateError(
            f"{release.directory}: release {release.name} failed {names}; it is not served. "
            "Raise the budget or change [gates], then run again."
        )
    return release


class Current:
    """Holds the loaded release and swaps it when the pointer changes.

    Loading happens in a thread of its own; requests go on with the old release until then, and
    for good when the new one is broken or failed a gate.
    """

    def __init__(self, root: Path, load: Callable[[Release], Service], metrics: Metrics) -> None:
        self._root = root
        self._load = load
        self._metrics = metrics
        self._lock = threading.Lock()
        self._seen = self._stamp()
        self._service = load(open_good(root))

    def service(self) -> Service:
        """Return the release that is served now."""
        return self._service

    def check(self) -> None:
        """Look whether the pointer changed: one `stat`, some microseconds."""
        stamp = self._stamp()
        if stamp == self._seen or not self._lock.acquire(blocking=False):
            return
        self._seen = stamp
        threading.Thread(target=self._reload, name="reload", daemon=True).start()

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = (self._root / "current.json").stat()
        except FileNotFoundError:
            return None  # a release without a pointer never changes
        return status.st_mtime_ns, status.st_ino

    def _reload(self) -> None:
        outcome = "refused"
        try:
            release = open_good(self._root)
            if release.directory.resolve() != self._service.release.directory.resolve():
                self._service = self._load(release)
                LOG.info("now serving release %s", release.name)
            outcome = "taken"
        except GroundupError as error:
            LOG.error("keeping release %s: %s", self._service.release.name, error)
        except Exception:  # whatever a broken release does, the good one must stay up
            LOG.exception("keeping release %s", self._service.release.name)
        finally:
            self._metrics.add("groundup_reloads_total", outcome=outcome)
            self._lock.release()
