import numpy as np
import pytest

from groundup.facts.catalogue import load_catalogue
from groundup.networks.measured import curve
from groundup.networks.protocols import KINDS, all_times, fastest

FACTS = load_catalogue()
NVLINK4 = 450e9


def test_by_hand_against_the_printed_formula():
    # ring LL over 8: 3.6 + 14 x 0.47 us, 1.75 x payload over a quarter of the bandwidth
    seconds = all_times(1e6, 8, 1, NVLINK4, FACTS)[KINDS.index("ring.ll")]
    assert float(seconds) == pytest.approx(10.18e-6 + 1.75e6 / (NVLINK4 / 4))
    # ring Simple over 4 x 8: 8.4 + 56 x 3.4 + 6 x 9.6 us
    seconds = all_times(1.0, 32, 4, 400e9, FACTS)[KINDS.index("ring.simple")]
    assert float(seconds) == pytest.approx(256.4e-6, rel=1e-4)


def test_small_payloads_take_low_latency_and_large_ones_bandwidth():
    kinds, seconds = fastest(np.array([1e3, 1e6, 1e11]), 8, 1, NVLINK4, FACTS)
    names = [KINDS[int(kind)] for kind in kinds]
    assert names[0].endswith("ll")
    assert names[2] == "ring.simple"
    assert (np.diff(seconds) > 0).all()


def test_eight_h200_are_predicted_without_any_fit():
    seen = curve("h200_8", FACTS)
    _, seconds = fastest(seen.payload, 8, 1, NVLINK4, FACTS)
    error = np.abs(seen.seconds / seconds - 1)
    assert np.median(error) <= 0.10


@pytest.mark.parametrize(
    ("name", "servers", "rate", "allowed"),
    [("b200_8", 1, 900e9, 0.22), ("b200_32", 4, 400e9, 0.07)],
)
def test_large_payloads_on_other_fabrics(name, servers, rate, allowed):
    # EFA starts slower than InfiniBand, so only payloads of a gibibyte and more are near; NVLink 5
    # reaches its rate only beyond 4 GiB
    seen = curve(name, FACTS)
    large = seen.part(slice(15, None))
    _, seconds = fastest(large.payload, seen.ranks, servers, rate, FACTS)
    assert np.median(np.abs(large.seconds / seconds - 1)) <= allowed
