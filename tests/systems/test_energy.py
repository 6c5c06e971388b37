"""The energy meter: RAPL files with wrap-around, and the estimate that says it is one."""

import subprocess
import sys
import time

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError
from groundup.systems.energy import WATTS_PER_CORE, EnergyMeter, open_zones
from groundup.systems.memory import peak_rss_bytes


def zone(root, name: str, energy: int, span: int = 1_000_000_000):
    directory = root / name
    directory.mkdir()
    (directory / "energy_uj").write_text(f"{energy}\n")
    (directory / "max_energy_range_uj").write_text(f"{span}\n")
    return directory / "energy_uj"


def test_packages_are_summed_and_sub_zones_are_not_counted_twice(tmp_path):
    first = zone(tmp_path, "intel-rapl:0", 100)
    second = zone(tmp_path, "intel-rapl:1", 500)
    zone(tmp_path, "intel-rapl:0:0", 50)
    assert len(open_zones(tmp_path)) == 2
    with EnergyMeter(root=tmp_path) as meter:
        first.write_text("3000100")
        second.write_text("1000500")
    assert meter.joules == meter.low == meter.high == 4.0
    assert meter.method == "rapl"


def test_a_wrapped_counter_is_unwrapped(tmp_path):
    counter = zone(tmp_path, "intel-rapl:0", 999_000_000)
    with EnergyMeter("rapl", tmp_path) as meter:
        counter.write_text("2000000")
    assert meter.joules == pytest.approx(3.0)


def test_without_rapl_the_estimate_is_cpu_seconds_times_a_sourced_fact(tmp_path):
    fact = load_catalogue()[WATTS_PER_CORE]
    with EnergyMeter(root=tmp_path) as meter:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
    assert meter.cpu_seconds == pytest.approx(0.2, abs=0.1)
    assert meter.joules == pytest.approx(meter.cpu_seconds * fact.value)
    assert 0 < meter.low < meter.joules < meter.high
    assert meter.method.startswith("estimate: ")
    assert fact.source in meter.method
    assert meter.metrics()["joules"] == round(meter.joules, 3)


def test_work_of_child_processes_counts(tmp_path):
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    with EnergyMeter(root=tmp_path) as meter:
        subprocess.run([sys.executable, "-c", burn], check=True)
    assert meter.cpu_seconds >= 0.3


def test_rapl_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"systems\.energy = 'rapl'"):
        EnergyMeter("rapl", tmp_path)


def test_peak_memory_grows_with_what_is_held():
    before = peak_rss_bytes()
    block = bytearray(200_000_000)
    block[::4096] = b"x" * len(block[::4096])
    assert peak_rss_bytes() - before > 100_000_000 or before > 400_000_000
    del block
