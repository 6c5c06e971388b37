import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from scipy import stats

from groundup.training.spares import out_for_repair, shortage, spares


@examples(st.floats(0.001, 3000), st.sampled_from([0.5, 0.1, 0.01, 1e-4]))
def test_quantile_of_scipy(mean: float, short: float) -> None:
    ours = float(spares(np.asarray(mean), short))
    assert ours == stats.poisson.ppf(1 - short, mean)


@examples(st.floats(0.1, 500), st.integers(0, 600))
def test_shortage_of_scipy(mean: float, held: int) -> None:
    assert shortage(mean, held) == pytest.approx(stats.poisson.sf(held, mean), abs=1e-9)


def test_simulated_repairs_of_any_shape() -> None:
    # M/G/infinity: the number away is Poisson whatever the shape of the repair times
    draw = np.random.default_rng(0)
    rate, repair, horizon = 0.02, 700.0, 4_000_000.0
    starts = np.cumsum(draw.exponential(1 / rate, int(rate * horizon)))
    ends = starts + draw.uniform(0, 2 * repair, starts.size)
    seen = np.arange(5000.0, starts[-1], 31.0)
    away = np.searchsorted(starts, seen) - np.searchsorted(np.sort(ends), seen)
    mean = float(out_for_repair(rate / 10, 10, repair))
    assert away.mean() == pytest.approx(mean, rel=0.05)
    held = float(spares(np.asarray(mean), 0.05))
    assert (away > held).mean() < 0.05 + 0.005
    assert (away > held - 3).mean() > 0.05


def test_zero_and_arrays() -> None:
    assert spares(np.array([0.0, 1.0, 9.0]), 0.01).tolist() == [0, 4, 17]
    with pytest.raises(ValueError, match="share"):
        spares(np.asarray(1.0), 0.0)
