"""Steps: done ones are not run again, killed ones go on, two runs share, a full disk is clear."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from groundup.facts.errors import ArtifactError
from groundup.pipeline.manifest import Manifest, read_manifest, verify_hashes
from groundup.pipeline.runner import Made, run_steps
from groundup.pipeline.step import Metrics, Progress, Step, StepContext
from groundup.pipeline.store import Store, step_key


class Silent:
    """A voice that counts."""

    def __init__(self) -> None:
        self.fresh: list[str] = []
        self.cached: list[str] = []
        self.resumed: list[str] = []

    def step_started(self, step: str, key: str, resumed: bool) -> None:
        if resumed:
            self.resumed.append(step)

    def step_done(self, step: str, manifest: Manifest, fresh: bool) -> None:
        (self.fresh if fresh else self.cached).append(step)

    def waiting(self, step: str) -> None:
        raise AssertionError("nobody else runs here")

    def progress(self, step: str) -> Progress:
        return lambda label, done, total: None


def _step(name: str, run: Callable[[StepContext], Metrics], *inputs: str, **config: object) -> Step:
    return Step(name, run, ("groundup.facts.errors",), inputs, config)


def _write(text: str) -> Callable[[StepContext], Metrics]:
    def run(context: StepContext) -> Metrics:
        before = "".join((path / "text").read_text() for path in context.inputs.values())
        (context.out / "text").write_text(before + text)
        return {"letters": len(before + text)}

    return run


def _run(root: Path, *steps: Step) -> tuple[dict[str, Made], Silent]:
    voice = Silent()
    return run_steps(steps, Store(root), voice, seed=7, energy="estimate"), voice


def test_artifacts_flow_and_are_not_made_twice(tmp_path: Path) -> None:
    steps = _step("a", _write("one")), _step("b", _write("two"), "a")
    made, voice = _run(tmp_path, *steps)
    assert (made["b"].directory / "text").read_text() == "onetwo"
    assert voice.fresh == ["a", "b"]
    again, voice = _run(tmp_path, *steps)
    assert voice.cached == ["a", "b"]
    assert again["b"].manifest == made["b"].manifest


def test_config_of_a_step_changes_it_and_everything_after(tmp_path: Path) -> None:
    before, _ = _run(tmp_path, _step("a", _write("1"), size=1), _step("b", _write("2"), "a"))
    after, voice = _run(tmp_path, _step("a", _write("1"), size=2), _step("b", _write("2"), "a"))
    assert voice.fresh == ["a", "b"]
    assert before["a"].directory.exists()  # what was there is kept
    assert before["b"].key != after["b"].key


def test_manifest_holds_lineage_cost_and_hashes(tmp_path: Path) -> None:
    def collect(context: StepContext) -> Metrics:
        _write("x")(context)
        return {"documents": 3, "licences": {"MIT": 2, "PSF-2.0": 1}, "sources": {"stdlib": 3}}

    made, _ = _run(tmp_path, _step("a", collect), _step("b", _write("y"), "a"))
    manifest = read_manifest(made["b"].directory)
    assert manifest.inputs == {"a": made["a"].key}
    assert manifest.licences == {"MIT": 2, "PSF-2.0": 1}
    assert manifest.sources == {"stdlib": 3}
    assert manifest.seed == 7
    assert manifest.seconds >= 0
    assert manifest.joules_low <= manifest.joules <= manifest.joules_high
    assert manifest.joules_method.startswith("estimate")
    assert manifest.peak_rss_bytes > 10 * 2**20
    assert verify_hashes(made["b"].directory, manifest) == []
    (made["b"].directory / "text").write_text("forged")
    assert verify_hashes(made["b"].directory, manifest) == ["text"]


def test_a_damaged_artifact_is_refused_not_used(tmp_path: Path) -> None:
    step = _step("a", _write("one"))
    made, _ = _run(tmp_path, step)
    (made["a"].directory / "text").unlink()
    with pytest.raises(ArtifactError, match=r"text.*delete"):
        _run(tmp_path, step)


def test_a_failing_step_leaves_the_finished_ones(tmp_path: Path) -> None:
    def fail(context: StepContext) -> Metrics:
        (context.out / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, _step("a", _write("1")), _step("b", fail, "a"))
    _, voice = _run(tmp_path, _step("a", _write("1")), _step("b", _write("2"), "a"))
    assert (voice.cached, voice.fresh) == (["a"], ["b"])


def test_half_made_directory_is_emptied_unless_the_step_resumes(tmp_path: Path) -> None:
    def half(context: StepContext) -> Metrics:
        if (context.out / "half").exists():
            return {"resumed": 1}
        (context.out / "half").write_text("half")
        raise KeyboardInterrupt

    for resumable in (False, True):
        step = replace(_step("a", half, kind=str(resumable)), resumable=resumable)
        with pytest.raises(KeyboardInterrupt):
            _run(tmp_path, step)
        if resumable:
            made, voice = _run(tmp_path, step)
            assert made["a"].manifest.metrics == {"resumed": 1}
            assert made["a"].manifest.attempts == 2
            assert voice.resumed == ["a"]
        else:
            with pytest.raises(KeyboardInterrupt):
                _run(tmp_path, step)


def test_full_disk_says_so_and_keeps_what_was_there(tmp_path: Path) -> None:
    def fill(context: StepContext) -> Metrics:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ArtifactError, match=r"disk is full.*goes on from here"):
        _run(tmp_path, _step("a", _write("1")), _step("b", fill, "a"))
    assert Store(tmp_path).all()[0][1].step == "a"


def test_full_disk_for_real(tmp_path: Path) -> None:
    """/dev/full answers every write with ENOSPC, as a full disk does."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")

    def fill(context: StepContext) -> Metrics:
        with Path("/dev/full").open("w") as file:
            file.write("x" * 10_000)
        return {}

    with pytest.raises(ArtifactError, match="disk is full"):
        _run(tmp_path, _step("a", fill))


_SLOW_STEP = """
    import sys, time
    from pathlib import Path
    from groundup.pipeline.runner import run_steps
    from groundup.pipeline.step import Step
    from groundup.pipeline.store import Store
    from groundup.cli.console import Console

    def slow(context):
        log = context.out / "log"
        for _ in range(int(sys.argv[2])):
            with log.open("a") as file:
                file.write("x")
            context.progress("", 1, 2)
            time.sleep(0.02)
        with Path(sys.argv[3]).open("a") as file:
            file.write("ran\\n")
        return {"written": log.stat().st_size}

    step = Step("slow", slow, ("groundup.facts.errors",), resumable=True)
    made = run_steps([step], Store(Path(sys.argv[1])), Console(quiet=True), 1, "estimate")
    print(made["slow"].manifest.metrics["written"], made["slow"].manifest.attempts)
"""


def _spawn(root: Path, steps: int, log: Path) -> subprocess.Popen[str]:
    code = textwrap.dedent(_SLOW_STEP)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root), str(steps), str(log)],
        stdout=subprocess.PIPE,
        text=True,
    )


def _until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_kill_9_then_go_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = _spawn(tmp_path / "runs", 10_000, log)
    half = tmp_path / "runs" / "work"
    _until(lambda: any(half.glob("slow-*/log")) and any(half.glob("slow-*/.clock.json")))
    first.send_signal(signal.SIGKILL)
    first.wait()
    written = next(half.glob("slow-*/log")).stat().st_size
    used = json.loads(next(half.glob("slow-*/.clock.json")).read_text())
    second = _spawn(tmp_path / "runs", 5, log)
    out, _ = second.communicate(timeout=60)
    assert out.split() == [str(written + 5), "2"]
    assert log.read_text() == "ran\n"
    manifest = Store(tmp_path / "runs").all()[0][1]
    assert manifest.seconds >= used["seconds"]  # the killed attempt's time is not forgotten
    assert not any(half.iterdir())


def test_two_runs_at_once_make_it_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    runs = [_spawn(tmp_path / "runs", 25, log) for _ in range(2)]
    outs = [run.communicate(timeout=90)[0].split() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert outs == [["25", "1"], ["25", "1"]]
    assert log.read_text() == "ran\n"


def test_key_depends_on_every_part() -> None:
    step = _step("a", _write("1"), "x", size=1)
    keys = {
        step_key(step, {"x": "1"}),
        step_key(step, {"x": "2"}),
        step_key(replace(step, name="b"), {"x": "1"}),
        step_key(replace(step, config={"size": 2}), {"x": "1"}),
        step_key(replace(step, code=("groundup.facts.check",)), {"x": "1"}),
    }
    assert len(keys) == 5
    assert step_key(step, {"x": "1", "unused": "9"}) in keys
