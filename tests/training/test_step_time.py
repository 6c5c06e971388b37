import time
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.training.cases import DENSE, FACTS, H100, LAWS, MOE, layout

from groundup.training.cluster import cluster_of
from groundup.training.layout import ZERO_BUBBLE
from groundup.training.step_time import StepTime, step_time

PARTS = [one.name for one in fields(StepTime)]


def taken(work=DENSE, cluster=H100, frozen=0.0, **degrees):
    return step_time(work, layout(**degrees), cluster, LAWS, frozen)


def total(**degrees):
    return float(taken(**degrees).total[0])


def test_parts_add_up_and_none_is_negative():
    one = taken(tensor=4, pipeline=4, virtual=5, context=2)

    assert np.sum([np.ravel(getattr(one, name)) for name in PARTS]) == pytest.approx(one.total[0])
    assert all(np.all(getattr(one, name) >= 0) for name in PARTS)


def test_no_step_is_faster_than_its_arithmetic_at_the_peak():
    flops = 3 * float(DENSE.forward_flops(np.asarray(8192.0))) * 8192 * 256

    assert flops / 64 / 989.4e12 < total(tensor=8) < 4 * flops / 64 / 989.4e12


def test_korthikanti_table_5_within_ten_percent():
    """22B on eight A100, all recomputed: 1.42 s (arXiv:2205.05198, table 5)."""
    from groundup.models.architecture import Architecture, Block, FeedForward, Mixer
    from groundup.models.workload import work_of

    mixer = Mixer(heads=64, kv_heads=64, head_width=96)
    work = work_of(
        Architecture("22B", 6144, 51200, (Block(48, mixer, FeedForward(24576, 2)),), tied=True)
    )
    run = layout(8, 2048, 4, microbatch=4, tensor=8, recompute=2, fused_attention=0,
                 sequence_parallel=0, sharding=0)  # fmt: skip

    seconds = step_time(work, run, cluster_of("a100-80gb", FACTS), LAWS).total[0]

    assert seconds == pytest.approx(1.42, rel=0.10)


def test_what_is_not_split_costs_nothing():
    one = taken(accelerators=1, batch=4, sharding=0)

    for name in ("tensor", "context", "expert", "pipeline", "data", "offload", "bubble"):
        assert np.ravel(getattr(one, name))[0] == 0, name


def test_recomputing_whole_blocks_costs_at_most_a_third():
    plain, again = taken(recompute=0), taken(recompute=2)
    busy = plain.matmul + plain.attention + plain.pointwise + plain.tensor

    assert 0.2 * busy[0] < again.recompute[0] < busy[0] / 3 * 1.01
    half = taken(recompute=2, recompute_share=0.5)
    assert half.recompute[0] == pytest.approx(again.recompute[0] / 2)


def test_bubbles_shrink_with_interleaving_and_zero_bubble():
    plain, virtual = (taken(pipeline=8, virtual=v).bubble[0] for v in (1, 5))
    free = taken(pipeline=8, schedule=ZERO_BUBBLE).bubble[0]

    assert virtual < plain / 3
    assert free == pytest.approx(plain / 3)


def test_the_bubble_is_the_closed_form():
    """(p - 1) / m of the time of the micro-batches (arXiv:2104.04473, section 2.2)."""
    one = taken(pipeline=8)
    inside = one.total - one.bubble - one.data - one.optimiser

    assert one.bubble[0] / inside[0] == pytest.approx(7 / (256 / 8))


def test_frozen_weights_need_no_gradients_of_their_own():
    all_trained, frozen = taken(), taken(frozen=1.0)

    assert frozen.matmul[0] == pytest.approx(all_trained.matmul[0] * 2 / 3)
    assert frozen.optimiser[0] == 0


def test_experts_add_their_products_and_their_traffic():
    one = taken(work=MOE, expert=8)

    assert one.expert[0] > 0
    active, every = (float(x) for x in (MOE.active_matrices, MOE.parameters))
    flops = 6 * active * 8192 * 256
    assert flops / 64 / 989.4e12 < one.matmul[0] < 6 * every * 8192 * 256 / 64 / 989.4e12


def test_experts_of_other_domains_cost_more():
    near, far = (taken(work=MOE, expert=e).expert[0] for e in (8, 32))

    assert far > near


def test_latent_experts_send_their_latent():
    from groundup.models.published import published
    from groundup.models.workload import work_of
    from groundup.training.step_time import _sent_width

    assert float(_sent_width(MOE)) == pytest.approx(4096)
    assert float(_sent_width(work_of(published("DeepSeek-V3")))) == pytest.approx(7168)


@given(st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4, 8]), st.sampled_from([1, 2, 4]))
def test_better_machines_are_never_slower(tensor, stages, micro):
    degrees = {"tensor": tensor, "pipeline": stages, "microbatch": micro}
    base = total(**degrees)
    for name in ("peak", "bandwidth", "scale_up_rate", "scale_out_rate", "host_rate"):
        better = replace(H100, **{name: getattr(H100, name) * 2})
        if name == "peak":
            better = replace(better, half_peak=H100.half_peak * 2)
        assert total(cluster=better, **degrees) <= base * (1 + 1e-9), name


@given(st.sampled_from([2048, 8192, 32768]), st.sampled_from([1, 8]))
def test_longer_sequences_of_as_many_tokens_take_longer(sequence, tensor):
    tokens = 2**23
    one, longer = (
        total(sequence=s, batch=tokens / s, microbatch=65536 / s, tensor=tensor)
        for s in (sequence, 2 * sequence)
    )
    assert longer > one


def test_one_call_is_many_calls():
    tensor, stages = np.array([1.0, 2.0, 8.0]), np.array([[1.0], [4.0]])
    many = taken(tensor=tensor, pipeline=stages).total

    assert many.shape == (2, 3)
    assert many[1, 2] == pytest.approx(total(tensor=8, pipeline=4))


def test_a_million_layouts_a_second():
    """A second of CPU for 10^6 at most, on a busy machine too (0.3 s on an idle one)."""
    rng = np.random.default_rng(0)
    draw = {name: 2.0 ** rng.integers(0, 4, 8192) for name in
            ("tensor", "pipeline", "context", "microbatch")}  # fmt: skip
    many, squeezed = layout(16384, 8192, 2048, **draw), {}
    for part, owner in (("cluster", H100), ("laws", LAWS)):
        plain = {
            one.name: np.asarray(getattr(owner, one.name)).reshape(-1)[0]
            for one in fields(owner) if one.name != "software"
        }  # fmt: skip
        squeezed[part] = replace(owner, **plain)
    best = np.inf
    for _ in range(5):
        start = time.process_time()
        step_time(DENSE, many, squeezed["cluster"], squeezed["laws"])
        best = min(best, time.process_time() - start)

    assert best / 8192 * 1e6 < 1.0
