import itertools
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import ConfigError, NoDataError
from groundup.models.published import published
from groundup.models.workload import work_of
from groundup.training.best import STATES
from groundup.training.cluster import cluster_of
from groundup.training.lattice import Choices, Job, at, cells, grids, shape_of
from groundup.training.laws import laws_of
from groundup.training.layout import Layout
from groundup.training.memory import memory
from groundup.training.search import (
    Constraints,
    faster,
    front,
    pareto,
    point,
    price_all,
    search,
    searched,
)
from groundup.training.step_time import step_time

FACTS = load_catalogue()
LAWS = laws_of(FACTS)
H100 = cluster_of("h100-sxm", FACTS)
DENSE = work_of(published("Llama-3.1-8B"))
ROUTED = work_of(published("Qwen3-30B-A3B"))
FEW = Choices(
    tensor=(1, 2, 4),
    pipeline=(1, 2, 4),
    virtual=(1, 2),
    context=(1, 2),
    expert=(1, 4),
    expert_tensor=(1,),
    microbatch=(1, 2),
    sharding=(0, 1, 3),
    recompute=((0, 0.0), (2, 1.0)),
    sequence_parallel=(1,),
)
JOB = Constraints((8,), 4096, 16, headroom=0.08, choices=FEW)


def one_by_one(work, cluster, constraints):
    """Every layout that divides, priced alone: (seconds, bytes, layout); nothing shared."""
    pick, found = constraints.choices, []
    for n in constraints.accelerators:
        degrees = itertools.product(
            pick.tensor, pick.pipeline, pick.virtual, pick.schedules, pick.context, pick.expert,
            pick.microbatch, pick.sharding, (False, True), pick.recompute,
        )  # fmt: skip
        for t, p, v, s, c, e, m, z, hybrid, (kind, share) in degrees:
            layers, experts = int(work.layers), int(work.experts)
            if n % (t * p * c) or int(work.heads) % t or p * v > layers + 3:
                continue
            if -(-layers // (p * v)) * p * v - layers > 3 or -(-layers // p) * p - layers > 3:
                continue
            data, stage = n // (t * p * c), n // p
            if constraints.batch % (data * m) or (c > 1 and constraints.sequence % (2 * c)):
                continue
            if (p == 1 and (v > 1 or s)) or (v > 1 and s):
                continue
            if e > 1 and (experts == 0 or experts % e or stage % e):
                continue
            inside = 8 // t
            if z and data * c == 1:
                continue
            if hybrid and (z != 3 or not 1 < inside < data * c):
                continue
            layout = Layout(
                **{name: np.asarray(float(value)) for name, value in {
                    "accelerators": n, "sequence": constraints.sequence,
                    "batch": constraints.batch, "microbatch": m, "tensor": t, "pipeline": p,
                    "virtual": v, "schedule": s, "context": c, "expert": e, "sharding": z,
                    "shard_group": inside if hybrid else 0, "recompute": kind,
                    "recompute_share": share,
                }.items()}
            )  # fmt: skip
            seconds = float(step_time(work, layout, cluster, LAWS).total[0])
            used = float(np.max(memory(work, layout, constraints.formats).total))
            found.append((seconds, used, layout))
    return found


@settings(max_examples=6, deadline=None)
@examples(
    st.sampled_from([DENSE, ROUTED]),
    st.sampled_from([4, 8, 16]),
    st.sampled_from([8, 16, 48]),
    st.sampled_from([0.3, 1.0, 3.0]),
)
def test_winner_of_pricing_one_by_one(work, count, batch, room) -> None:
    cluster = replace(H100, memory=H100.memory * room)
    constraints = replace(JOB, accelerators=(count,), batch=batch)
    result = searched(work, cluster, LAWS, constraints, top=5)
    every = one_by_one(work, cluster, constraints)
    limit = float(cluster.memory[0]) * (1 - constraints.headroom)
    fitting = [one for one in every if one[1] <= limit]
    assert result.looked == len(every)
    assert result.fitting == len(fitting)
    free = [name for name in vars(every[0][2]) if name not in STATES]
    distinct: dict[tuple[float, ...], float] = {}
    for seconds, used, layout in fitting:
        key = (seconds, *(float(getattr(layout, name)) for name in free))
        distinct[key] = min(distinct.get(key, np.inf), used)
    best = sorted((key[0], used) for key, used in distinct.items())[:5]
    ours = [(one.step_seconds, one.memory_bytes) for one in result.found]
    assert len(ours) == len(best)
    assert np.ravel(ours) == pytest.approx(np.ravel(best), rel=1e-12)


def test_grids_price_to_the_last_bit_as_single_layouts() -> None:
    work, cluster, laws = point(ROUTED), point(H100), point(LAWS)
    draw = np.random.default_rng(0)
    for grid in grids(work, Job(64, 4096, 512)):
        some = draw.integers(0, cells(grid), 20)
        on_grid = [
            np.broadcast_to(one, shape_of(grid))
            for one in price_all(work, cluster, laws, JOB, grid)
        ]
        alone = price_all(work, cluster, laws, JOB, at(grid, some))
        for values, single in zip(on_grid, alone, strict=True):
            assert (values.reshape(-1)[some] == single).all()


def test_parts_of_a_found_layout_add_up() -> None:
    for one in search(DENSE, H100, LAWS, replace(JOB, usd_per_hour=2.0, tokens=1e12), top=3):
        assert sum(one.parts.values()) == pytest.approx(one.step_seconds)
        assert one.memory_share <= 0.92
        assert 0.1 < one.mfu < 0.9
        # 2 USD x 8 accelerators x seconds of a million tokens
        assert one.usd_per_mtoken == pytest.approx(2 * 8 / 3600 / one.tokens_per_s * 1e6)
        assert one.days == pytest.approx(1e12 / one.tokens_per_s / 86400)
        assert one.slowed_by in one.parts


def test_constraints_bind() -> None:
    roomy, tight = (
        search(DENSE, H100, LAWS, replace(JOB, headroom=share), top=1)[0] for share in (0.0, 0.5)
    )
    assert roomy.step_seconds <= tight.step_seconds
    assert tight.memory_share <= 0.5
    days = replace(JOB, accelerators=(4, 8, 16), tokens=1e12, usd_per_hour=2.0)
    slow = search(DENSE, H100, LAWS, days, "cost", top=1)[0]
    quick = search(DENSE, H100, LAWS, replace(days, deadline_days=slow.days * 0.6), "cost", top=1)
    assert quick[0].days <= slow.days * 0.6
    assert quick[0].accelerators > slow.accelerators
    assert quick[0].usd_per_mtoken >= slow.usd_per_mtoken
    assert search(DENSE, H100, LAWS, replace(days, deadline_days=1e-6)) == ()


def test_objectives() -> None:
    free = replace(JOB, accelerators=(4, 8, 16), usd_per_hour=2.0, tokens=1e12)
    fastest = search(DENSE, H100, LAWS, free, "time", top=1)[0]
    cheapest = search(DENSE, H100, LAWS, free, "cost", top=1)[0]
    assert fastest.accelerators == 16
    assert cheapest.usd_per_mtoken <= fastest.usd_per_mtoken
    same = search(DENSE, H100, LAWS, free, "tokens-per-usd", top=1)[0]
    assert same.usd_per_mtoken == cheapest.usd_per_mtoken
    line = front(DENSE, H100, LAWS, free)
    assert [one.days for one in line] == sorted(one.days for one in line)
    assert [one.usd_per_mtoken for one in line][::-1] == sorted(one.usd_per_mtoken for one in line)


def test_pareto_keeps_what_nothing_beats() -> None:
    found = search(DENSE, H100, LAWS, JOB, top=200)
    line = pareto(found, ("step_seconds", "memory_share"))
    for one in line:
        beaten = [
            other
            for other in found
            if other.step_seconds <= one.step_seconds
            and other.memory_share <= one.memory_share
            and (other.step_seconds, other.memory_share) != (one.step_seconds, one.memory_share)
        ]
        assert not beaten
    assert line[0] == found[0]


def test_more_of_anything_is_never_slower() -> None:
    gains = faster(DENSE, H100, LAWS, JOB)
    assert min(gains.values()) > 0.999
    assert list(gains.values()) == sorted(gains.values(), reverse=True)
    assert gains["twice the arithmetic"] > 1.2


def test_same_question_same_answer() -> None:
    first, second = (search(ROUTED, H100, LAWS, JOB, top=20) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        for part in fields(Layout):
            assert getattr(one.layout, part.name) == getattr(other.layout, part.name)


def test_bad_questions() -> None:
    with pytest.raises(NoDataError, match="price"):
        search(DENSE, H100, LAWS, JOB, "cost")
    with pytest.raises(ConfigError, match="objective"):
        search(DENSE, H100, LAWS, JOB, "fun")
    with pytest.raises(ConfigError, match="headroom"):
        replace(JOB, headroom=1.5)
    with pytest.raises(NoDataError, match="tokens"):
        replace(JOB, deadline_days=3.0)
