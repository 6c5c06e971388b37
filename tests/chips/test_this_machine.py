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


def test_outline_measures_nothing_but_knows_cores_and_memory():
    machine = this_machine.outline()
    assert machine.cores >= 1
    assert machine.memory_bytes > 2**27
    assert machine.flop_per_s == {}
