import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.data.config import DataConfig
from groundup.data.figures import figures
from groundup.data.stock import (
    effective_stock,
    exhausted,
    exhaustion,
    fitted_growth,
    largest_runs,
    stock_in,
    used_in,
    worth_of_repeats,
    year_of,
    years_left,
)
from groundup.facts.catalogue import load_catalogue
from groundup.facts.estimate import given
from groundup.facts.figures import Curves, Table
from groundup.facts.layer import Ask
from groundup.models import repeated_data

FACTS = load_catalogue()


def plain(value, unit="1"):
    return given(value, unit, "x", "here")


def test_the_published_year_of_exhaustion():
    # Villalobos et al. 2024: median 2028, between 2026 and 2032; over-trained 5x one year earlier
    year = exhaustion(FACTS, 4000)
    assert year.value == pytest.approx(2028, abs=0.5)
    assert 2026 <= year.low < 2027.5
    assert 2029.5 < year.high <= 2032
    sooner = exhaustion(FACTS, overtrained=5.0)
    assert year.value - sooner.value == pytest.approx(1.0, abs=0.2)


def test_the_published_stock_follows_from_its_parts():
    stock = effective_stock(FACTS, 4000)
    assert stock.value == pytest.approx(320, rel=0.05)  # Figure 3
    assert stock.low > 65
    assert stock.high < 1700


def test_nine_tenths_of_the_draws_are_the_published_interval():
    stock = FACTS.estimate("data.stock", 20_000)
    assert stock.low == pytest.approx(1e14, rel=0.15)
    assert stock.high == pytest.approx(1e15, rel=0.15)


def test_published_training_sets_grow_as_published():
    growth = FACTS["data.use_growth"]
    published = [growth.value, *(other.value for other in growth.conflicts)]  # 2.4 and 3.0
    assert min(published) <= fitted_growth(FACTS) <= max(published) * 1.05
    runs = largest_runs(FACTS)
    assert [run.as_of for run in runs] == sorted(run.as_of for run in runs)


@examples(st.floats(1, 1e4), st.floats(0.1, 1e3), st.floats(1.0, 1.3), st.floats(1.4, 5.0))
def test_in_that_year_stock_and_use_are_equal(stock, used, slow, fast):
    year = exhausted(
        plain(stock, "Ttoken"), plain(slow), plain(used, "Ttoken"), plain(fast), 2024.0
    ).value
    passed = year - 2024.0
    if stock > used:
        assert stock * slow**passed == pytest.approx(used * fast**passed, rel=1e-6)
    else:
        assert passed == 0


def test_text_that_grows_faster_than_use_lasts():
    year = exhausted(
        plain(10.0, "Ttoken"), plain(2.0), plain(1.0, "Ttoken"), plain(1.5), 2024.0
    )  # fmt: skip
    assert year.value == np.inf
    assert years_left(plain(2028.0, "year"), 2026.5).value == pytest.approx(1.5)
    assert years_left(plain(2020.0, "year"), 2026.5).value == 0


def test_worth_of_repeats_agrees_with_the_paper():
    one = plain(1.0, "token")

    def worth(epochs):
        return worth_of_repeats(one, plain(epochs), FACTS).value

    assert worth(1.0) == 1
    # a sum over repeats, each worth a little less than the one before
    decay = np.exp(-1 / 15.39)
    fresh = 1 + 15.39 * (1 - decay) * sum(decay**k for k in range(3))
    assert worth(4.0) == pytest.approx(fresh, rel=1e-3)
    assert 3.6 < worth(4.0) < 4.0  # "almost as good as fresh" up to four epochs
    assert worth(1e6) == pytest.approx(16.39, rel=1e-3)
    law = repeated_data.worth(np.array([1.0]), np.array([4.0]), FACTS)
    assert worth(4.0) == pytest.approx(law.item())  # the models' floor, by its own code


@examples(st.floats(1, 1e3), st.floats(1, 1e3))
def test_more_epochs_are_never_worth_less(a, b):
    a, b = sorted((a, b))
    one = plain(1.0, "token")
    found = [worth_of_repeats(one, plain(x), FACTS).value for x in (a, b)]
    assert found[0] <= found[1] + 1e-12


def test_curves_cross_where_the_year_says():
    year = exhaustion(FACTS).value
    at = np.array([year])
    # the stock is dated 2024-06, the training set 2024-04: a few weeks of the stock's growth
    assert used_in(at, FACTS)[0, 0] == pytest.approx(stock_in(at, FACTS)[0, 0], rel=0.02)
    assert year_of(FACTS["data.largest.llama-3"]) == pytest.approx(2024.3, abs=0.01)


def test_figures_show_the_same_numbers():
    ask = Ask("h100-sxm", {"train_tokens": given(15.6e12, "token", "data.train_tokens")})
    made = figures(DataConfig(), ask, FACTS, 200)
    assert isinstance(made[0], Curves)
    assert made[0].lines[3].y == (15.6, 15.6)
    assert isinstance(made[1], Table)
    assert made[1].rows[0][1].value == exhaustion(FACTS).value
    assert len(made[2].rows) == 5
    for line in made[0].lines[:2]:
        assert all(
            low <= y <= high for low, y, high in zip(line.low, line.y, line.high, strict=True)
        )
