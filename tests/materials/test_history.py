from datetime import date

import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.layer import Ask
from groundup.materials.history import dated, past_shocks
from groundup.materials.market import Shock
from groundup.materials.shocks import layer_supply

FACTS = load_catalogue()
SHOCKS = past_shocks()


@pytest.mark.parametrize("past", SHOCKS, ids=lambda past: past.name)
def test_no_alarm_where_nobody_lost_output(past):
    # in none of them did a maker of chips, modules or halls report lost months: prices rose and
    # stocks fell. Stocks of cobalt and heavy rare earths were set with the halts of 2025 known, so
    # those two are no independent check
    found = layer_supply([past.shock], Ask("any", {}), FACTS, 36)
    worst = {floor: share.values.min() for floor, share in found.items()}
    assert min(worst.values()) > 0.9, worst


def test_shocks_are_dated_and_in_order():
    days = [past.day for past in SHOCKS]
    assert days == sorted(days)
    assert {past.shock.material for past in SHOCKS} >= {"neon", "helium", "gallium"}
    assert all(past.source and past.seen for past in SHOCKS)


@pytest.mark.parametrize(
    ("first", "start", "months"),
    [
        (date(2026, 3, 10), 2, 6),
        (date(2027, 1, 1), 12, 6),
        (date(2026, 1, 31), 0, 6),
        (date(2025, 11, 1), 0, 4),  # two months of it had passed
        (date(2024, 11, 1), 0, 0),
    ],
)
def test_a_dated_shock_counts_from_the_order(first, start, months):
    shock = dated(Shock("neon", "production", "ukraine", 0.5, 0, 6), first, date(2026, 1, 15))
    assert (shock.start, shock.months, shock.lost) == (start, months, 0.5)
