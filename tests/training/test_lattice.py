from dataclasses import replace

import numpy as np
import pytest

from groundup.facts.errors import ConfigError
from groundup.models.published import published
from groundup.models.workload import work_of
from groundup.training.lattice import PLACES, Choices, Job, at, cells, grids, shape_of

LLAMA = work_of(published("Llama-3.1-405B"))
DEEPSEEK = work_of(published("DeepSeek-V3"))
SMALL = Job(64, 8192, 128)


def rows(work, job):
    """Every layout of a job as a tuple of its fields."""
    found = []
    for grid in grids(work, job):
        layouts = at(grid, np.arange(cells(grid)))
        found += list(zip(*(value.tolist() for value in vars(layouts).values()), strict=True))
    return found


@pytest.mark.parametrize("work", [LLAMA, DEEPSEEK])
def test_each_layout_once_and_all_of_them_divide(work) -> None:
    job = replace(SMALL, choices=Choices(recompute=((0, 0.0), (2, 1.0)), offload=(0.0, 1.0)))
    seen = 0
    for grid in grids(work, job):
        one = at(grid, np.arange(cells(grid)))
        seen += cells(grid)
        assert (one.accelerators % (one.tensor * one.pipeline * one.context) == 0).all()
        assert (one.batch % (one.data * one.microbatch) == 0).all()
        assert (float(work.heads) % one.tensor == 0).all()
        places = one.pipeline * one.virtual
        each = np.ceil(float(work.layers) / places)
        assert (each * places - float(work.layers) <= PLACES).all()
        assert (np.maximum(float(work.experts), 1) % one.expert == 0).all()
        assert ((one.accelerators / one.pipeline) % (one.expert * one.expert_tensor) == 0).all()
        assert ((one.schedule == 0) | (one.virtual == 1)).all()
        assert ((one.shard_group == 0) | (one.sharding == 3)).all()
    assert seen > 1000
    few = replace(job, accelerators=16, batch=32)
    every = rows(work, few)
    assert len(every) == len(set(every)) == sum(cells(grid) for grid in grids(work, few))


def test_published_layouts_are_in_the_lattice() -> None:
    def holds(work, job, **wanted):
        for grid in grids(work, job):
            one = at(grid, np.arange(cells(grid)))
            same = np.ones(one.tensor.shape, bool)
            for name, value in wanted.items():
                same &= getattr(one, name) == value
            if same.any():
                return True
        return False

    # arXiv:2407.21783, table 4, and arXiv:2412.19437, section 3.2
    assert holds(LLAMA, Job(16384, 8192, 2048), tensor=8, pipeline=16, context=1, data=128)
    assert holds(LLAMA, Job(16384, 131072, 128), tensor=8, pipeline=16, context=16, data=8)
    assert holds(DEEPSEEK, Job(2048, 4096, 15360), tensor=1, pipeline=16, expert=64, data=128)


def test_grids_fit_a_cache_and_broadcast() -> None:
    for grid in grids(DEEPSEEK, Job(2048, 4096, 15360)):
        assert np.prod(shape_of(grid)) == cells(grid) < 1 << 18
        assert all(np.size(value) < 200 for value in vars(grid).values())


def test_one_accelerator_has_no_parallel_choices() -> None:
    for row in rows(work_of(published("Llama-3.1-8B")), Job(1, 2048, 8)):
        fields = dict(
            zip(vars(at(next(iter(grids(LLAMA, SMALL))), np.arange(1))), row, strict=True)
        )
        assert fields["tensor"] == fields["pipeline"] == fields["context"] == 1
        assert fields["sharding"] == fields["shard_group"] == 0


@pytest.mark.parametrize("name", ["accelerators", "sequence", "batch"])
def test_sizes_are_checked(name: str) -> None:
    with pytest.raises(ConfigError, match=f"search.{name}"):
        replace(SMALL, **{name: 0})
