import pytest

from groundup.facts.errors import ConfigError
from groundup.materials.config import MaterialsConfig


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"share_of_world_supply": 1.5},
            "materials.share_of_world_supply = 1.5: allowed is 0 to 1",
        ),
        ({"priority": -0.1}, "materials.priority = -0.1: allowed is 0 to 1"),
        ({"stock_months": 300}, "materials.stock_months = 300: allowed is 0 to 120"),
    ],
)
def test_values_out_of_range_are_refused(fields, says):
    with pytest.raises(ConfigError, match=says):
        MaterialsConfig(**fields)
