import csv
from pathlib import Path

import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.sites.carbon import (
    embodied_building,
    embodied_hosts,
    intensity,
    of_gpu_hours,
    operational,
    share_of_life,
)

FACTS = load_catalogue()
ROWS = list(csv.DictReader((Path(__file__).parents[1] / "data" / "carbon.csv").open()))


def predicted(row):
    """tCO2 of a published run from its accelerator-hours or its energy."""
    each = intensity(row["region"], FACTS)
    usage = given(float(row["pue"]), "1", "pue", "row")
    if row["energy_kwh"]:
        energy = given(float(row["energy_kwh"]), "kWh", "energy", "row") * usage
        return operational(energy, each).to("tCO2").value
    hours = given(float(row["gpu_hours"]), "accelerator*h", "hours", "row")
    watts = given(float(row["design_watts"]), "W/accelerator", "design power", "row")
    return of_gpu_hours(hours, watts, usage, each).value


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_published_carbon_within_a_tenth(row):
    assert predicted(row) == pytest.approx(float(row["value"]), rel=0.10)


def test_median_of_published_carbon():
    errors = [abs(predicted(row) / float(row["value"]) - 1) for row in ROWS]
    assert np.median(errors) < 0.06


def test_market_basis_counts_contracts_and_location_does_not():
    place = intensity("us", FACTS).value
    assert intensity("us", FACTS, clean_share=1.0).value == place
    assert intensity("us", FACTS, basis="market", clean_share=0.75).value == pytest.approx(
        place / 4
    )
    assert intensity("us", FACTS, basis="market", clean_share=1.0).value == 0


def test_power_made_on_site_has_its_own_carbon():
    assert intensity("no", FACTS, route="gas-engine").value > 500
    assert intensity("cn", FACTS, route="smr").value == 12
    assert intensity("no", FACTS, route="grid").value == intensity("no", FACTS).value


def test_embodied_carbon_of_bloom():
    # arXiv:2211.02001, table 3: 11.2 t for 1.08 million hours of A100 over six years at 85 % use;
    # 150 kg a GPU and 2 500 kg a server
    hosts = embodied_hosts(given(384.0, "accelerator", "n"), FACTS).to("tCO2")
    chips = 384 * 0.150
    life = given(6 * 0.85, "year", "life in use")
    used = given(1_082_990 / 384, "h", "hours")
    share = share_of_life(hosts, used, life).to("tCO2").value
    share += chips * 1_082_990 / 384 / (6 * 0.85 * 8766)
    assert share == pytest.approx(11.2, rel=0.10)


def test_buildings_scale_with_power():
    one, two = (embodied_building(given(mw, "MW", "IT"), FACTS).value for mw in (1.0, 2.0))
    assert two == 2 * one > 0
