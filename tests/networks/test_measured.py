import csv
from pathlib import Path

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import FactError, NoDataError
from groundup.networks.collectives import Channel, in_network_all_reduce, ring_traffic
from groundup.networks.measured import (
    CURVES,
    Curve,
    channel_of,
    curve,
    errors,
    fit,
    held_out_errors,
    predict,
)

FACTS = load_catalogue()
DATA = Path(__file__).parents[1] / "data" / "collective.csv"


def published():
    lines = [line for line in DATA.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def table(name):
    rows = [row for row in published() if row["name"] == name]
    return Curve(
        int(rows[0]["n_chips"]),
        np.array([float(row["payload_bytes"]) for row in rows]),
        np.array([float(row["value"]) for row in rows]) * 1e9,
    )


@pytest.mark.parametrize("name", CURVES)
def test_catalogue_holds_the_published_curve(name):
    found, given = curve(name, FACTS), table(name)
    np.testing.assert_array_equal(found.payload, given.payload)
    np.testing.assert_allclose(found.bus, given.bus)


def test_median_error_over_all_measured_payloads_is_below_15_percent():
    found = {name: errors(table(name), fit(table(name))) for name in CURVES}
    assert np.median(np.concatenate(list(found.values()))) <= 0.07
    assert all(np.median(error) <= 0.10 for error in found.values())
    # the two payloads that waited for the host are far off and stay in the error
    assert found["b200_32_first"].max() > 0.5


@pytest.mark.parametrize("name", CURVES)
def test_every_other_payload_predicts_the_rest(name):
    assert np.median(held_out_errors(table(name))) <= 0.15


def test_plateau_of_32_follows_from_link_facts_alone():
    # rings through all eight NICs of a server; measured 381.8 and 376.7 GB/s
    node = FACTS["networks.efa.nic"].value * FACTS["networks.hgx.nics"].value
    for name in ("b200_32", "b200_32_first"):
        assert table(name).bus.max() / 1e9 == pytest.approx(node, rel=0.08)


def test_switches_that_add_allow_what_links_do_not():
    # 482 GB/s of bus bandwidth on links of 450 one way: rings cannot, NVLS can (limit 787)
    link = FACTS["networks.nvlink4.links"].value * FACTS["networks.nvlink4.rate"].value / 2
    best = table("h200_8").bus.max() / 1e9
    payload = 2.0**34
    seconds = in_network_all_reduce(payload, 8, Channel(0.0, link * 1e9))
    limit = float(ring_traffic(8) * payload / seconds) / 1e9
    assert link < best < limit


def test_a_known_channel_is_found_again():
    truth = Channel(0.0, 400e9, 3e7, 5e-5)
    payload = 2.0 ** np.arange(15, 35)
    made = Curve(16, payload, predict(payload, 16, truth))
    found = fit(made)
    assert found.beta == pytest.approx(400e9, rel=1e-6)
    assert found.half == pytest.approx(3e7, rel=1e-6)
    assert found.start == pytest.approx(5e-5, rel=1e-6)


@pytest.mark.parametrize("name", CURVES)
def test_shipped_channels_are_the_fitted_ones(name):
    shipped, fitted = channel_of(name, FACTS, 10), fit(curve(name, FACTS))
    for part in ("start", "beta", "half"):
        assert getattr(shipped, part).shape == (11,)
        assert getattr(shipped, part)[0] == pytest.approx(float(getattr(fitted, part)), rel=1e-3)


def test_one_wild_point_moves_the_fit_little():
    made = table("h200_8")
    bus = made.bus.copy()
    bus[3] /= 50
    spoiled = fit(Curve(made.ranks, made.payload, bus))
    assert spoiled.beta == pytest.approx(fit(made).beta, rel=0.02)


def test_too_few_points_and_unknown_machines_are_refused():
    with pytest.raises(FactError, match="2 points"):
        fit(table("h200_8").part(slice(0, 2)))
    with pytest.raises(NoDataError, match="nowhere"):
        curve("nowhere", FACTS)
