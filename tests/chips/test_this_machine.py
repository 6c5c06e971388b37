import sys
from datetime import date

import numpy as np
import pytest

from groundup.chips import this_machine
from groundup.chips.catalogue import THIS_MACHINE, figure, peaks
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ArtifactError


@pytest.fixture(scope="module")
def machine():
    return this_machine.measure(0.5)


def test_measurement_is_plausible_and_becomes_facts(machine):
    facts = load_catalogue().with_facts(machine.facts())
    made = peaks(THIS_MACHINE, facts, 100)
    assert 1e-3 < made["fp32"].to("TFLOP/(s*accelerator)").value < 1000
    assert 0.5 < figure(THIS_MACHINE, "bandwidth", facts).to("GB/(s*accelerator)").value < 5000
    fact = facts["chips.this-machine.peak.fp32.dense"]
    assert (fact.kind, fact.as_of) == ("measured", date.today())
    assert fact.low <= fact.value <= fact.high


def test_speed_agrees_with_a_product_timed_here(machine):
    import time

    matrix = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
    matrix @ matrix
    times = []
    for _ in range(10):
        start = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - start)
    here = 2 * 1024**3 / min(times)
    assert 0.1 < machine.flop_per_s["fp32"] / here < 10  # other tenants may slow either down


def test_progress_is_reported():
    seen = []
    this_machine.measure(0.1, lambda label, done, total: seen.append((label, done, total)))
    assert seen[-1] == ("measured", seen[-1][2], seen[-1][2])
    assert [done for _, done, _ in seen] == list(range(len(seen)))


def test_without_torch_fp32_is_measured_with_numpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert list(this_machine.measure(0.1).flop_per_s) == ["fp32"]


def test_saved_measurement_loads_back(machine, tmp_path):
    path = tmp_path / "calibration" / "machine.json"
    machine.save(path)
    assert this_machine.load(path) == machine
    assert [p.name for p in path.parent.iterdir()] == ["machine.json"]


@pytest.mark.parametrize("text", ["", "{}", '{"name": 1, "more": 2}', "[1]"])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "machine.json"
    path.write_text(text)
    with pytest.raises(ArtifactError, match="calibrate"):
        this_machine.load(path)


@pytest.fixture(scope="module")
def whole():
    return this_machine.measure(this_machine.FULL_SECONDS)


def test_a_full_measurement_has_every_kind_of_reading(whole):
    pytest.importorskip("torch")
    kinds = {name.split(".")[0] for name in whole.readings}
    assert kinds == {"gemm", "attention", "triad", "adamw", "process", "disk", "text"}
    assert whole.skipped == {}
    facts = load_catalogue().with_facts(whole.facts())
    for name, read in whole.readings.items():
        assert read["value"] > 0, name
        assert facts[f"chips.this-machine.{name}"].unit == read["unit"]
    # the readings beside the peaks are no peaks: the planner's formats stay what they were
    assert set(peaks(THIS_MACHINE, facts)) == {"fp32", "bf16"}


def test_readings_obey_what_machines_do(whole):
    pytest.importorskip("torch")
    value = {name: float(read["value"]) for name, read in whole.readings.items()}
    # a matrix times a vector moves every weight once: it cannot beat memory by its caches' worth
    assert value["gemm.fp32.1x2048x2048"] < value["gemm.fp32.2048x2048x2048"]
    assert value["process.allreduce"] < value["process.bandwidth"] * 10
    assert value["process.round_trip"] > 0.5  # us; no message crosses the kernel faster


def test_a_file_of_an_older_groundup_still_loads(tmp_path):
    import json
    from dataclasses import asdict

    old = asdict(this_machine.outline())
    del old["readings"], old["skipped"], old["load"]
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(old))
    assert this_machine.load(path) == this_machine.outline()


def test_a_busy_machine_is_said_to_be_busy(monkeypatch):
    monkeypatch.setattr(this_machine.os, "getloadavg", lambda: (6.0, 1.0, 1.0))
    monkeypatch.setattr(this_machine, "cores", lambda: 2)
    assert this_machine.load_per_core() == 3.0
    assert this_machine.measure(0.01).load == 3.0


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    machine = this_machine.measure(this_machine.FULL_SECONDS)
    assert "torch is missing" in machine.skipped.values()
    assert not any(name.startswith(("gemm", "attention")) for name in machine.readings)
    assert "process.bandwidth" in machine.readings


def test_outline_measures_nothing_but_knows_cores_and_memory():
    machine = this_machine.outline()
    assert machine.cores >= 1
    assert machine.memory_bytes > 2**27
    assert machine.flop_per_s == {}
