"""Published switch and cable tables, met exactly."""

import csv
from pathlib import Path

import pytest

from groundup.networks.planes import planes_of
from groundup.networks.topology import fat_tree, rail_optimised, rails

DATA = Path(__file__).parents[1] / "data" / "network.csv"
COUNTS = ("leaf", "spine", "core", "endpoint_cables", "leaf_cables", "core_cables")
BUILD = {"rail-optimised": rail_optimised, "dual-plane": planes_of, "rail-only": rails}


def rows():
    lines = [line for line in DATA.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["name"])
def test_published_table_is_met_exactly(row):
    built = BUILD[row["design"]](float(row["endpoints"]), int(row["ports"]))
    found = {name: int(getattr(built, name)) for name in (*COUNTS, "switches")}
    assert found == {name: int(row[name]) if row[name] else found[name] for name in found}


def test_spreadsheet_rows_are_rail_only_networks_and_no_fat_trees():
    # 768 switches for 16 384 ports and 2 560 for 32 768 circulate as an H100 cluster's; a fat tree
    # takes 1 280 and 2 560, rails that are not joined take exactly what is printed
    assert int(fat_tree(16_384.0, 64).switches) == 1280
    assert int(rails(16_384.0, 64).switches) == 768


def test_a_published_row_contradicts_itself_in_accelerators_not_in_switches():
    # 1 296 servers of eight are 10 368 accelerators, as its cables say; 9 216 would take fewer
    assert int(rail_optimised(9216.0, 144).leaf) == 128
    assert int(rail_optimised(1296 * 8.0, 144).leaf) == 144
