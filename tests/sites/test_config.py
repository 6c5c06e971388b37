import pytest

from groundup.facts.errors import ConfigError
from groundup.sites.config import SitesConfig


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("cooling", "watre", r"sites\.cooling.*'watre'.*cold-plate"),
        ("climate", "mild", r"sites\.climate.*temperate"),
        ("heat_rejection", "pond", r"sites\.heat_rejection.*tower"),
        ("redundancy", "n+3", r"sites\.redundancy.*2\(n\+1\)"),
        ("power_route", "coal", r"sites\.power_route.*gas-turbine"),
        ("carbon_basis", "hourly", r"sites\.carbon_basis.*location"),
        ("clean_share", 1.5, r"sites\.clean_share.*0 to 1"),
        ("pue", 0.9, r"sites\.pue.*at least 1"),
        ("wue", -1.0, r"sites\.wue.*at least 0"),
        ("power_mw", -1.0, r"sites\.power_mw.*at least 0"),
        ("storage_share", -0.1, r"sites\.storage_share.*at least 0"),
        ("wacc", -0.01, r"sites\.wacc.*at least 0"),
    ],
)
def test_wrong_values_name_key_value_and_what_is_allowed(key, value, says):
    with pytest.raises(ConfigError, match=says):
        SitesConfig(**{key: value})


def test_defaults_and_the_older_word_liquid_are_accepted():
    assert SitesConfig().cooling == "liquid"
    for cooling in ("none", "air", "rear-door", "cold-plate", "immersion", "liquid"):
        SitesConfig(cooling=cooling)
