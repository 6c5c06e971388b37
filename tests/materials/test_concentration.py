import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.materials.catalogue import steps, suppliers
from groundup.materials.concentration import all_steps, concentration, verdict

FACTS = load_catalogue()


def test_every_step_is_the_sum_of_squares_of_its_shares():
    for row in all_steps(FACTS):
        keys = FACTS.keys(f"materials.{row.material}.{row.step}.")
        shares = np.array([FACTS[key].value for key in keys])
        assert row.index.value == pytest.approx(1e4 * (shares**2).sum())
        assert shares.sum() <= 1 + 1e-9
        assert row.shares[row.largest] == shares.max()


def test_most_concentrated_step_is_taken_without_a_step():
    assert concentration("rare-earth", FACTS).value == pytest.approx(8100)
    mining = concentration("rare-earth", FACTS, step="mining").value
    # 69.2, 11.5, 7.9, 3.3, 3.3, 3.3 %: mining is open compared with refining
    assert mining == pytest.approx(69.2**2 + 11.54**2 + 7.95**2 + 3 * 3.33**2, rel=1e-3)
    assert steps("rare-earth", FACTS) == ("mining", "refining")


def test_suppliers_are_sorted_by_share():
    assert suppliers("helium", "production", FACTS)[:3] == ("us", "qatar", "russia")


def test_verdicts_follow_the_merger_guidelines():
    assert verdict(1801, FACTS) == "highly concentrated"
    assert verdict(1800, FACTS) == "moderately concentrated"
    assert verdict(999, FACTS) == "open"


def test_the_list_is_sorted_and_gallium_leads():
    index = [row.index.value for row in all_steps(FACTS)]
    assert index == sorted(index, reverse=True)
    assert (all_steps(FACTS)[0].material, all_steps(FACTS)[0].largest) == ("gallium", "china")


def test_no_suppliers_is_no_data():
    with pytest.raises(NoDataError, match="no suppliers of water on record"):
        concentration("water", FACTS)
    with pytest.raises(NoDataError, match=r"materials\.gallium\.mining"):
        concentration("gallium", FACTS, step="mining")
