import numpy as np
import pytest

from groundup.chips.gemm import gemm_share
from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.training.cluster import cluster_of, usual_domain, usual_nic

FACTS = load_catalogue()


def test_h100_has_the_numbers_of_its_data_sheet():
    cluster = cluster_of("h100-sxm", FACTS, "fp8")

    assert cluster.peak[0] == pytest.approx(1978.9e12)
    assert cluster.half_peak[0] == pytest.approx(989.4e12)
    assert cluster.bandwidth[0] == pytest.approx(3.35e12)
    assert cluster.scale_up_rate[0] == pytest.approx(450e9)  # 900 GB/s both ways
    assert cluster.scale_out_rate[0] == pytest.approx(50e9)  # 400 Gbit/s
    assert cluster.scale_up[0] == 8
    assert cluster.memory[0] == pytest.approx(80e9)


def test_a_format_that_the_chip_lacks_is_computed_in_the_next_wider_one():
    assert cluster_of("a100-80gb", FACTS, "fp8").peak[0] == pytest.approx(312e12)
    assert cluster_of("h100-sxm", FACTS, "fp4").peak[0] == pytest.approx(1978.9e12)


def test_share_is_the_law_of_the_chips_floor():
    share = gemm_share("gb200", "fp8", FACTS).value

    assert cluster_of("gb200", FACTS, "fp8").matmul_share[0] == pytest.approx(share)


def test_racks_are_one_domain_and_stated_links_take_the_place_of_the_usual_ones():
    assert usual_domain("gb300", FACTS) == 72
    assert usual_domain("b200", FACTS) == 8

    other = cluster_of("b200", FACTS, scale_up=16, scale_out_gbit_per_s=800)

    assert other.scale_up[0] == 16
    assert other.scale_out_rate[0] == pytest.approx(100e9)


def test_more_power_of_one_architecture_is_seen():
    one, more = (cluster_of(name, FACTS).relative_power[0] for name in ("gb200", "gb300"))

    assert one == pytest.approx(1.0)
    assert more == pytest.approx(1400 / 1200)


def test_draws_are_the_last_axis():
    assert cluster_of("h100-sxm", FACTS, samples=7).matmul_share.shape == (8,)


def test_what_is_not_known_is_not_made_up():
    with pytest.raises(NoDataError, match=r"training\.nic\.gaudi3"):
        usual_nic("gaudi3", FACTS)
    with pytest.raises(NoDataError, match="fitted on the families"):
        cluster_of("xeon-8480", FACTS, scale_out_gbit_per_s=100)


def test_older_attention_kernels_are_slower():
    cluster = cluster_of("h100-sxm", FACTS)
    shares = [cluster.first_attention_share, cluster.second_attention_share,
              cluster.attention_share]  # fmt: skip

    assert np.all(np.diff([share[0] for share in shares]) > 0)
