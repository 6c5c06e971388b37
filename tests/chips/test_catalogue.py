import math

import pytest

from groundup.chips.catalogue import THIS_MACHINE, chip, chips, figure, formats, peaks, power
from groundup.chips.this_machine import outline
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.units import parse

FACTS = load_catalogue()
NAMES = sorted(set(chips()) - {THIS_MACHINE})


@pytest.mark.parametrize("name", NAMES)
def test_every_accelerator_has_what_the_floors_above_need(name):
    made = peaks(name, FACTS)
    assert made["bf16"].unit.dimension == parse("FLOP/(s*accelerator)").dimension
    assert figure(name, "memory", FACTS).to("GB/accelerator").value > 10
    assert figure(name, "bandwidth", FACTS).to("TB/(s*accelerator)").value > 1


@pytest.mark.parametrize(
    ("name", "word", "clock", "per_cycle"),
    [
        # boost clock x dense multiply-adds a cycle and tensor core x 2 x cores, as printed in the
        # architecture papers of NVIDIA and AMD
        ("a100-80gb", "bf16", 1.41e9, 256 * 2 * 432),
        ("h100-sxm", "bf16", 1.83e9, 512 * 2 * 528),
        ("mi300x", "bf16", 2.1e9, 256 * 2 * 1216),
    ],
)
def test_dense_peaks_follow_from_clock_and_units(name, word, clock, per_cycle):
    assert math.isclose(
        peaks(name, FACTS)[word].to("FLOP/(s*accelerator)").value, clock * per_cycle, rel_tol=0.003
    )


def test_flops_per_watt_of_three_generations():
    # dense bf16 over design power: 0.78, 1.41, 2.25 TFLOP/s/W
    for name, expected in (("a100-80gb", 0.78), ("h100-sxm", 1.41), ("b200", 2.25)):
        ratio = peaks(name, FACTS)["bf16"] / power(name, FACTS)
        assert ratio.to("TFLOP/(s*W)").value == pytest.approx(expected, abs=0.005)


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(ConfigError, match="h100-sxm"):
        chip("h100_sxm")


def test_this_machine_needs_a_measurement():
    with pytest.raises(NoDataError, match="calibrate"):
        figure(THIS_MACHINE, "memory", FACTS)
    assert list(formats(THIS_MACHINE, FACTS)) == []


def test_power_of_this_machine_is_cores_and_memory_times_sourced_watts():
    machine = outline()
    facts = FACTS.with_facts([f for f in machine.facts() if f.key.endswith(("cores", "memory"))])
    watts = power(THIS_MACHINE, facts, 1000)
    expected = machine.cores * 3.5 + machine.memory_bytes / 1e9 * 0.392
    assert watts.value == pytest.approx(expected)
    assert watts.low < expected < watts.high


def test_unpublished_power_is_none():
    assert power("tpu-v5p", FACTS) is None
