import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError
from groundup.networks.scale_up import domain, fewest_chips

FACTS = load_catalogue()


def fact(key):
    return FACTS[f"networks.{key}"].value


def test_nvl72_as_published():
    # 72 GPUs x 18 links on 18 chips of 72 ports, 130 TB/s, 5 184 cables (NVIDIA, GTC 2024)
    links, rate = int(fact("nvlink5.links")), fact("nvlink5.rate")
    ports, chips = int(fact("nvswitch4.ports")), int(fact("nvl72.switch_chips"))
    rack = domain(72, links, rate, ports, chips)
    assert rack.ports_used == 72
    assert rack.copper_cables(int(fact("nvl72.pairs"))) == 5184
    assert 72 * rack.bandwidth == pytest.approx(130e12, rel=0.005)
    assert fewest_chips(72, 18, 72) == 18


def test_dgx_a100_uses_under_half_of_its_ports():
    made = domain(8, 12, 50.0, 36, int(fact("dgx-a100.switch_chips")))
    assert made.ports_used == 16
    assert made.bandwidth == 600e9


def test_eight_h100_fit_on_four_chips():
    assert domain(8, 18, 50.0, 64, int(fact("hgx-h100.switch_chips"))).ports_used == 36


def test_links_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="need 144 ports"):
        domain(72, 18, 100.0, 72, 9)
    with pytest.raises(ConfigError, match="at least 100 ports"):
        fewest_chips(100, 18, 72)
