import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.sites.servers import from_parts, parts, per_server, server_power, training_power

FACTS = load_catalogue()
AIR = ("a100-80gb", "h100-sxm", "b200", "b300")


def rated(chip):
    """The maker's rated power of one server or rack, W."""
    return server_power(chip, FACTS).value * per_server(chip, FACTS).value


def test_parts_of_a_dgx_h100_by_hand():
    found = parts("h100-sxm", FACTS)
    assert found.accelerators.to("W").value == 8 * 700
    assert found.processors.to("W").value == 2 * 350
    assert found.memory.to("W").value == 32 * 10
    assert found.sum.to("W").value == sum(part.to("W").value for part in vars(found).values())


def test_share_of_parts_holds_with_each_server_left_out():
    # one number for four servers; each is predicted from the other three
    shares = {chip: parts(chip, FACTS).sum.value / rated(chip) for chip in AIR}
    errors = []
    for chip in AIR:
        others = np.mean([share for name, share in shares.items() if name != chip])
        errors.append(abs(parts(chip, FACTS).sum.value / others / rated(chip) - 1))
    assert np.median(errors) < 0.05
    assert max(errors) < 0.10
    assert np.mean(list(shares.values())) == pytest.approx(FACTS["sites.server_share.air"].value,
                                                           abs=0.005)  # fmt: skip


@pytest.mark.parametrize("chip", [*AIR, "h200-sxm", "gb200", "gb300"])
def test_rated_power_from_parts_is_near_the_data_sheet(chip):
    assert from_parts(chip, FACTS).to("W").value == pytest.approx(rated(chip), rel=0.10)


def test_data_sheet_goes_before_parts_and_parts_before_a_factor():
    assert server_power("h100-sxm", FACTS).value == 1275
    assert server_power("mi300x", FACTS).value == pytest.approx(
        from_parts("mi300x", FACTS).to("W").value / 8
    )


def test_a_trained_on_server_draws_less_than_rated():
    drawn = training_power("b200", FACTS, 2000)
    assert drawn.value == pytest.approx(0.70 * 1787.5)
    assert drawn.low < drawn.value < drawn.high < 1787.5


def test_a_server_without_parts_says_which_facts_it_needs():
    with pytest.raises(NoDataError, match=r"sites\.server\.groq-lpu1"):
        parts("groq-lpu1", FACTS)
    assert per_server("groq-lpu1", FACTS).value == 8
    assert per_server("wse-3", FACTS).value == 1


def test_liquid_cooled_servers_have_less_around_their_parts():
    air, liquid = from_parts("mi350x", FACTS), from_parts("mi355x", FACTS)
    extra = 8 * (1400 - 1000)
    assert parts("mi355x", FACTS).sum.value - parts("mi350x", FACTS).sum.value == extra
    assert liquid.to("W").value - air.to("W").value < extra
