"""The trainer: learns, resumes bit for bit after a real kill -9, and ends on time."""

import importlib.util
import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from groundup.facts.errors import ArtifactError
from groundup.training.loop import finish
from groundup.training.metrics import read_metrics
from groundup.training.schedule import Schedule

SCRIPT = Path(__file__).with_name("tiny.py")
spec = importlib.util.spec_from_file_location("tiny", SCRIPT)
tiny = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tiny)


def weights(model):
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def test_loss_falls_and_metrics_are_whole(tmp_path):
    seen = []
    _, metrics = tiny.run(
        tmp_path,
        schedule=Schedule(200, 5, 50),
        progress=lambda label, done, total: seen.append((label, done, total)),
    )
    lines = read_metrics(tmp_path / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(1, 201))
    assert lines[-1]["loss"] < 0.5 * lines[0]["loss"]
    assert metrics["steps"] == 200
    assert metrics["tokens"] == 3200
    assert seen[-1][1:] == (3200, 3200)
    assert "loss" in seen[-1][0]
    finish(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_killed_run_goes_on_bit_for_bit(tmp_path):
    straight, _ = tiny.run(tmp_path / "straight")
    child = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(tmp_path / "killed")], stdout=subprocess.PIPE, text=True
    )
    for line in child.stdout:
        if int(line) >= 10:
            child.send_signal(signal.SIGKILL)
            break
    child.wait()
    child.stdout.close()
    assert child.returncode == -signal.SIGKILL
    resumed, metrics = tiny.run(tmp_path / "killed")
    assert torch.equal(weights(straight), weights(resumed))
    assert metrics["steps"] == tiny.STEPS
    ours = [line["loss"] for line in read_metrics(tmp_path / "killed" / "metrics.jsonl")]
    theirs = [line["loss"] for line in read_metrics(tmp_path / "straight" / "metrics.jsonl")]
    assert ours == theirs


def test_interrupt_leaves_a_checkpoint_to_go_on_from(tmp_path):
    def interrupt(label, done, total):
        if done == 7 * 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny.run(tmp_path / "cut", progress=interrupt, checkpoint_seconds=1e9)
    resumed, _ = tiny.run(tmp_path / "cut")
    straight, _ = tiny.run(tmp_path / "straight")
    assert torch.equal(weights(straight), weights(resumed))


def test_a_finished_run_is_not_trained_again(tmp_path):
    first, before = tiny.run(tmp_path)
    calls = []
    again, after = tiny.run(tmp_path, progress=lambda *args: calls.append(args))
    assert calls == []
    assert torch.equal(weights(first), weights(again))
    assert before == after


def test_another_runs_checkpoint_is_refused(tmp_path):
    tiny.run(tmp_path)
    with pytest.raises(ArtifactError, match="of another run"):
        tiny.run(tmp_path, identity="other")


def test_a_slow_machine_starts_the_decay_early_and_ends_on_time(tmp_path):
    _, metrics = tiny.run(tmp_path, schedule=Schedule(10**6, 2, 40), max_seconds=1.0)
    assert metrics["shortened"] == 1
    assert 0.7 < metrics["seconds"] < 3.0  # 1.0 and one step, which another program may stretch
    last = read_metrics(tmp_path / "metrics.jsonl")[-1]
    assert last["learning_rate_factor"] < 0.3


def test_a_machine_that_slows_down_in_the_decay_still_ends_on_time(tmp_path, monkeypatch):
    quick = tiny.batch

    def slowing(step):
        if step > 30:
            time.sleep(0.01)  # another program takes the cores
        return quick(step)

    monkeypatch.setattr(tiny, "batch", slowing)
    _, metrics = tiny.run(
        tmp_path, schedule=Schedule(1200, 2, 1190), max_seconds=2.0, checkpoint_seconds=60.0
    )
    assert metrics["shortened"] == 1
    assert metrics["steps"] < 1200
    assert 1.8 <= metrics["seconds"] < 4.0
    factors = [row["learning_rate_factor"] for row in read_metrics(tmp_path / "metrics.jsonl")]
    assert factors[-1] < 0.3
    assert all(a >= b - 1e-6 for a, b in itertools.pairwise(factors[12:]))
