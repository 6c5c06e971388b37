"""One small whole run that every test of the finished product shares."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.cli.command import groundup, start, until
from tests.cli.corpus import make_project

# these tests share their cores with others: how long one example takes says nothing
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a space in its name in which the small laptop stack was killed, then built."""
    folder = tmp_path_factory.mktemp("main job")
    make_project(folder)
    first = start(folder, "run", "stacks/laptop.toml")
    artifacts = folder / "runs" / "artifacts"
    until(lambda: any((folder / "runs" / "work").glob("pretrain-*/*")), first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = {path.name for path in artifacts.iterdir()}
    done = groundup(folder, "run", "stacks/laptop.toml", "--json")
    (folder / "first.json").write_text(done.stdout)
    (folder / "first.log").write_text(done.stderr)
    (folder / "before").write_text("\n".join(sorted(before)))
    return folder
