"""Kinds of floors 1 to 5: what the rows' own functions say of published numbers."""

import dataclasses
import math

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.planner.validation import (
    carbon,
    chip_costs,
    collectives,
    facilities,
    kernels,
    networks,
    power,
    supply,
    transfers,
)
from groundup.planner.validation.bars import published_file
from groundup.planner.validation.row import Row, read_rows
from groundup.planner.validation.score import score

FACTS = load_catalogue()
GROUND = ("collective", "kernel", "network", "power", "pue", "facility", "chip_cost",
          "supply_shock", "io")  # fmt: skip
SCORES = score([row for row in read_rows(published_file()) if row.kind in GROUND], FACTS)
BY_KIND = {group.kind: group for group in SCORES.kinds}
MEDIAN = {
    "collective": 0.15, "kernel": 0.05, "network": 0.0, "power": 0.10, "pue": 0.06,
    "chip_cost": 0.10, "supply_shock": 0.25, "io": 0.10, "facility": 0.25,
}  # fmt: skip


@pytest.mark.parametrize("kind", GROUND)
def test_median_error_of_published_rows(kind):
    assert BY_KIND[kind].median_error <= MEDIAN[kind]


def test_four_of_five_rows_lie_in_their_interval():
    predicted = [row for row in SCORES.rows if row.prediction]
    assert len(predicted) >= 115
    assert np.mean([row.inside for row in predicted]) >= 0.8


def test_rows_that_no_floor_answers_are_named():
    names = {one.row.name for one in SCORES.unpredicted}
    assert names == {
        "US data centres 2023", "DGX H100 BOM", "H100 cloud on-demand Lambda 2024-11"
    }  # fmt: skip


@pytest.mark.parametrize("size", ["small", "large"])
def test_recorded_error_of_collectives_is_that_of_the_rows(size):
    rows = [one for one in SCORES.rows if one.row.metric == "allreduce_busbw"]
    edge = FACTS["planner.collective.large"].value * 2**20
    gaps = [
        abs(math.log(one.row.number("value") / one.prediction.value))
        for one in rows
        if (collectives.payload_of(one.row) >= edge) == (size == "large")
    ]
    found = np.quantile(gaps, 0.9) / 1.645
    assert FACTS[f"planner.error.collective_{size}"].value == pytest.approx(found, rel=0.05)


def all_reduce(**cells):
    row = Row(kind="collective", metric="allreduce_busbw", value="1", unit="GB/s")
    return collectives.predict(dataclasses.replace(row, **cells), FACTS)


def test_rings_of_a_server_without_adding_switches():
    # NVIDIA DGX A100: 8 accelerators, 300 GB/s one way; 230 to 240 are seen by nccl-tests
    found = all_reduce(hardware="A100-80GB", n_chips="8", precision="16GiB")
    assert found.value == pytest.approx(235, rel=0.1)


def test_infiniband_starts_faster_than_efa_and_shares_its_plateau():
    efa = all_reduce(hardware="AWS P6-B200 8x50GB/s", n_chips="32", precision="256KiB")
    ib = all_reduce(hardware="DGX B200, 8x400G InfiniBand", n_chips="32", precision="256KiB")
    assert ib.value > 2 * efa.value
    both = [all_reduce(hardware=h, n_chips="32", precision="16GiB").value
            for h in ("AWS P6-B200 8x50GB/s", "DGX B200, 8x400G InfiniBand")]  # fmt: skip
    assert both[0] == pytest.approx(both[1], rel=0.1)


def test_bandwidth_grows_with_payload_and_with_nics():
    sizes = [
        all_reduce(hardware="H200", n_chips="8", precision=f"{2**i}KiB").value for i in range(5, 24)
    ]
    assert sizes == sorted(sizes)
    slow = all_reduce(hardware="B200, 4x50GB/s EFA", n_chips="32", precision="16GiB")
    fast = all_reduce(hardware="B200, 8x50GB/s EFA", n_chips="32", precision="16GiB")
    assert fast.value == pytest.approx(2 * slow.value, rel=0.02)


def test_only_all_reduces_are_added_by_the_switches():
    # NVIDIA: 370 GB/s of bus bandwidth without NVLink SHARP on an H100 server (nccl-tests #212)
    gather, reduce = (
        collectives.predict(
            Row(metric=f"{name}_busbw", name=name, hardware="H100", n_chips="8", unit="GB/s"), FACTS
        )
        for name in ("all_gather", "all_reduce")
    )
    assert gather.value == pytest.approx(370, rel=0.03)
    assert reduce.value == pytest.approx(480, rel=0.05)


def test_in_an_all_to_all_across_servers_a_rank_has_its_own_nic():
    row = Row(metric="alltoall_busbw", hardware="H100", n_chips="64", unit="GB/s")
    assert collectives.predict(row, FACTS).value == pytest.approx(50 * 63 / 56, rel=0.1)


@pytest.mark.parametrize(
    ("metric", "parts"),
    [("switch_count", ("switches",)), ("switch_count_leaf+spine+core", ("leaf", "spine", "core")),
     ("leaf_switches", ("leaf",)), ("spine", ("spine",)), ("cables", ("cables",)),
     ("node_leaf_cables", ("endpoint_cables",)), ("cable_count_leaf-spine", ("leaf_cables",)),
     ("cables_spine_core", ("core_cables",))],
)  # fmt: skip
def test_tiers_and_cables_by_the_words_of_a_metric(metric, parts):
    assert networks.parts_of(metric) == parts


@pytest.mark.parametrize(
    ("text", "size"),
    [("32KiB", 2**15), ("1 GiB", 2**30), ("16GB", 2**34), ("512MiB", 2**29), ("bf16", 2**34)],
)
def test_payloads(text, size):
    assert collectives.payload_of(Row(name="all_reduce", precision=text)) == size


@pytest.mark.parametrize(
    ("predict", "cells", "said"),
    [(collectives.predict, {"metric": "latency"}, "latency"),
     (collectives.predict, {"metric": "busbw", "hardware": "H100"}, "n_chips"),
     (kernels.predict, {"metric": "conv"}, "conv"),
     (kernels.predict, {"metric": "matmul", "hardware": "H100", "precision": "int3"}, "int3"),
     (networks.predict, {"metric": "smell"}, "smell"),
     (networks.predict, {"metric": "switches"}, "n_chips"),
     (power.predict, {"name": "a thing"}, "says no accelerator"),
     (power.predict, {"name": "H100", "metric": "value"}, "n_chips"),
     (facilities.predict, {"name": "all of them"}, "not a figure"),
     (chip_costs.predict, {"metric": "taste"}, "taste"),
     (chip_costs.predict, {"metric": "wafer_cost", "name": "a wafer"}, "no process node"),
     (chip_costs.predict, {"metric": "die_area", "name": "a die"}, "catalogue"),
     (chip_costs.predict, {"metric": "price_per_gb", "name": "DRAM"}, "HBM"),
     (supply.predict, {"name": "tin"}, "gallium"),
     (transfers.predict, {"metric": "h2d_bw", "name": "copy"}, "PCI Express"),
     (transfers.predict, {"metric": "checkpoint_size"}, "params_total"),
     (transfers.predict, {"metric": "fsync"}, "fsync"),
     (carbon.predict, {"metric": "smoke"}, "smoke"),
     (carbon.predict, {"metric": "co2e_market"}, "contracts")],
)  # fmt: skip
def test_what_is_missing_is_named(predict, cells, said):
    with pytest.raises(NoDataError, match=said):
        predict(Row(kind="k", value="1", unit="1", **cells), FACTS)


@pytest.mark.parametrize(
    ("name", "design"),
    [("DGX SuperPOD", 320), ("rail-only", 192), ("fat tree", 320)],
)
def test_designs_are_counted_as_named(name, design):
    row = Row(name=name, metric="switch_count", n_chips="4096", hardware="64p NDR")
    found = networks.predict(row, FACTS)
    assert found.value == found.low == found.high == design


def test_without_a_design_the_interval_spans_those_in_use():
    row = Row(name="cluster", metric="switch_count", n_chips="16384", hardware="64 ports")
    found = networks.predict(row, FACTS)
    assert (found.low, found.high) == (768, 1280)


def test_ports_by_name_of_the_switch():
    assert networks.ports_of(Row(hardware="Quantum-X800"), FACTS) == 144
    assert networks.ports_of(Row(hardware="64p NDR"), FACTS) == 64
    assert networks.ports_of(Row(), FACTS) == 64


def test_power_says_which_power_is_meant():
    def watts(**cells):
        return power.predict(Row(unit="W", value="1", **cells), FACTS).value

    rated = watts(name="DGX H100 max power", metric="value")
    drawn = watts(hardware="H100", n_chips="8", metric="node_ac_power_median")
    site = watts(name="16k H100 cluster", metric="value")
    assert drawn == pytest.approx(7752, rel=0.1)  # Newkirk et al., arXiv 2506.14551
    assert rated == pytest.approx(10200, rel=0.1)  # data sheet
    assert site > 16_000 / 8 * rated * 0.9


def test_carbon_of_stated_hours_is_the_model_cards():
    row = Row(name="Llama-2-7B", kind="carbon", metric="co2e", value="31.22", unit="tCO2e",
              hardware="A100-80GB-SXM", notes="184,320 GPU-hours")  # fmt: skip
    assert carbon.predict(row, FACTS).value == pytest.approx(31.22, rel=0.08)
    assert carbon.region_of(Row(name="BLOOM-176B")) == "fr"
    assert carbon.region_of(Row(name="Llama-2-7B")) == "us"


@pytest.mark.parametrize(
    ("name", "year"),
    [("N4 wafer (2026)", 2026.54), ("price 2024-07", 2024.54), ("HBM3E price 2025", 2025.54)],
)
def test_dates_of_names(name, year):
    assert chip_costs.dated(Row(name=name), FACTS) == pytest.approx(year, abs=0.01)
