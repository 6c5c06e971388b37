import math

import pytest

from groundup.chips.catalogue import (
    DESIGNED,
    THIS_MACHINE,
    chip,
    chips,
    figure,
    formats,
    known,
    needs_law,
    peaks,
    power,
    sold,
)
from groundup.chips.lint import problems
from groundup.chips.roofline import main_format, peak_from_units
from groundup.chips.this_machine import outline
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.facts.units import parse

FACTS = load_catalogue()
NAMES = sorted(one.name for one in sold())


@pytest.mark.parametrize("name", NAMES)
def test_every_accelerator_has_what_the_floors_above_need(name):
    made = peaks(name, FACTS)
    assert made[main_format(name, FACTS)].unit.dimension == parse("FLOP/(s*accelerator)").dimension
    assert figure(name, "memory", FACTS).to("GB/accelerator").value > 0.2
    assert figure(name, "bandwidth", FACTS).to("TB/(s*accelerator)").value >= 0.05
    assert 2017 <= chip(name).year <= 2026
    assert chip(name).family in {"gpu", "tensor", "dataflow", "sram", "cpu"}


def test_the_text_s_makers_are_all_there():
    makers = {one.maker for one in sold()}
    assert makers >= {
        "NVIDIA", "AMD", "Google", "Amazon", "Intel", "Microsoft", "Meta", "Cerebras", "Groq",
        "SambaNova", "Graphcore", "Tenstorrent", "d-Matrix",
    }  # fmt: skip
    assert len(NAMES) >= 50


@pytest.mark.parametrize(
    ("name", "word", "clock", "per_cycle"),
    [
        # boost clock x dense multiply-adds a cycle and tensor core x 2 x cores, as printed in the
        # architecture papers of NVIDIA and AMD, and matrix units x 128 x 128 x 2 of the TPUs
        ("v100-sxm", "fp16", 1.53e9, 64 * 2 * 640),
        ("a100-80gb", "bf16", 1.41e9, 256 * 2 * 432),
        ("h100-sxm", "bf16", 1.83e9, 512 * 2 * 528),
        ("mi250x", "bf16", 1.7e9, 128 * 2 * 880),
        ("mi300x", "bf16", 2.1e9, 256 * 2 * 1216),
        ("mi355x", "bf16", 2.4e9, 512 * 2 * 1024),
        ("tpu-v4", "bf16", 1.05e9, 8 * 128 * 128 * 2),
        ("tpu-v5p", "bf16", 1.75e9, 8 * 128 * 128 * 2),
    ],
)
def test_dense_peaks_follow_from_clock_and_units(name, word, clock, per_cycle):
    peak = peaks(name, FACTS)[word].to("FLOP/(s*accelerator)").value
    assert math.isclose(peak, clock * per_cycle, rel_tol=0.003)
    made = peak_from_units(name, word, FACTS).to("FLOP/(s*accelerator)").value
    assert math.isclose(made, clock * per_cycle, rel_tol=1e-9)


def test_no_identity_of_the_chips_is_broken():
    assert problems(FACTS) == []


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("chips.h100-sxm.peak.bf16.dense", 1979.0, "clock x units"),
        ("chips.h200-sxm.bandwidth", 9600.0, "stacks of hbm3e"),
        ("chips.l4.peak.bf16.dense", 1210.0, "per W"),
    ],
)
def test_a_wrong_figure_is_found(key, value, word):
    from dataclasses import replace

    wrong = replace(FACTS[key], value=value, low=value, high=value)
    found = problems(FACTS.with_facts([wrong]))
    assert len(found) == 1
    assert key in found[0]
    assert word in found[0]


def test_circulating_sparse_peaks_are_kept_as_conflicts():
    for key, said in (
        ("chips.h100-sxm.peak.bf16.dense", 1979),
        ("chips.h200-sxm.peak.fp8.dense", 3958),
        ("chips.b200.peak.bf16.dense", 4500),
        ("chips.mi300x.peak.fp8.dense", 1307),
    ):
        assert said in {round(other.value) for other in FACTS[key].conflicts}
        assert FACTS[key].value != said


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


def test_the_designed_chip_needs_a_design():
    with pytest.raises(NoDataError, match="with_design"):
        figure(DESIGNED, "memory", FACTS)
    assert {THIS_MACHINE, DESIGNED} == set(chips()) - set(NAMES)


def test_laws_speak_only_of_the_families_they_were_fitted_on():
    needs_law("h100-sxm", "anything")
    with pytest.raises(NoDataError, match=r"sram"):
        needs_law("groq-lpu1", "anything")


def test_power_of_this_machine_is_cores_and_memory_times_sourced_watts():
    machine = outline()
    facts = FACTS.with_facts([f for f in machine.facts() if f.key.endswith(("cores", "memory"))])
    watts = power(THIS_MACHINE, facts, 1000)
    expected = machine.cores * 3.5 + machine.memory_bytes / 1e9 * 0.392
    assert watts.value == pytest.approx(expected)
    assert watts.low < expected < watts.high


def test_unpublished_power_is_none():
    assert power("tpu-v5p", FACTS) is None
    assert known("tpu-v5p", "logic.die_area", FACTS) is None
