import json

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import Estimate, given
from groundup.facts.figures import Bars, Curves, Table, Tiers
from groundup.facts.layer import Ask
from groundup.networks.config import TOPOLOGIES, NetworksConfig
from groundup.networks.figures import figures
from groundup.networks.plan import demand

FACTS = load_catalogue()


def shown(samples=0, **config):
    chosen = NetworksConfig(**config)
    ask = Ask("h100-sxm", {"accelerators": given(8192.0, "accelerator", "n")})
    ask = demand(chosen, ask, FACTS, samples)
    return ask, figures(chosen, ask, FACTS, samples)


def test_the_numbers_are_those_of_the_plan():
    ask, made = shown()
    tiers, table, bars = made[:3]
    assert isinstance(tiers, Tiers)
    assert isinstance(table, Table)
    assert isinstance(bars, Bars)
    assert [tier.count for tier in tiers.tiers] == [8192, 256, 256, 128]
    assert [tier.cables_up for tier in tiers.tiers] == [8192, 8192, 8192, 0]
    assert sum(tier.cables_up for tier in tiers.tiers) == ask["cables"].value
    row = table.rows[0]
    assert row[:5] == ("fat-tree", 65_536.0, 640.0, 24_576.0, 49_152.0)
    assert row[6].value == pytest.approx(ask["network_power"].value)
    pluggable = sum(value for _, value in bars.bars[0].parts)
    assert pluggable == pytest.approx(ask["network_power"].value)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_topology_draws(topology):
    _, made = shown(topology=topology)
    assert 3 <= len(made) <= 7
    assert all(figure.title for figure in made)
    for figure in made:
        if isinstance(figure, Table):
            assert all(len(row) == len(figure.columns) for row in figure.rows)
        if isinstance(figure, Curves):
            assert all(len(line.x) == len(line.y) > 1 for line in figure.lines)
            json.dumps([line.x + line.y for line in figure.lines])


def test_missing_prices_are_no_data_and_samples_give_intervals():
    _, made = shown(samples=50)
    rows = {row[0]: row for row in made[1].rows}
    assert rows["torus"][5] is None
    price = rows["fat-tree"][5]
    assert isinstance(price, Estimate)
    assert price.low < price.value < price.high


def test_without_accelerators_only_what_needs_no_plan():
    made = figures(NetworksConfig(), Ask("this-machine"), FACTS)
    assert len(made) == 4
