"""Device choice: measured number format, threads, seeds."""

import random

import numpy as np
import pytest
import torch

from groundup.facts.errors import ConfigError
from groundup.frameworks.config import FrameworksConfig
from groundup.frameworks.device import (
    FASTER,
    _quota_cores,
    choose_device,
    fastest_threads,
    matmul_seconds,
    usable_cores,
)


@pytest.fixture(autouse=True)
def keep_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_threads_and_seed_are_set():
    device = choose_device(FrameworksConfig(device="cpu", dtype="float32", threads=1, seed=11))
    drawn = (random.random(), np.random.rand(), torch.rand(1).item())
    assert torch.get_num_threads() == device.threads == 1
    choose_device(FrameworksConfig(device="cpu", dtype="float32", threads=1, seed=11))
    assert drawn == (random.random(), np.random.rand(), torch.rand(1).item())
    chosen = choose_device(FrameworksConfig(device="cpu")).threads
    assert chosen in (1, usable_cores())
    assert torch.get_num_threads() == chosen


def test_the_thread_test_leaves_the_setting_alone():
    torch.set_num_threads(3)
    assert fastest_threads(1) == 1
    assert fastest_threads(2, repeats=3) in (1, 2)
    assert torch.get_num_threads() == 3


def test_auto_takes_bfloat16_only_where_the_clock_says_so():
    device = choose_device(FrameworksConfig(device="cpu"))
    ratio = matmul_seconds(torch.float32) / matmul_seconds(torch.bfloat16)
    if ratio > 2 * FASTER:
        assert device.dtype == "bfloat16"
    if ratio < 0.7 * FASTER:
        assert device.dtype == "float32"
    assert device.torch_dtype in (torch.bfloat16, torch.float32)


def test_asking_for_a_device_that_is_not_there():
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ConfigError, match=r"frameworks\.device = 'cuda'"):
        choose_device(FrameworksConfig(device="cuda"))


@pytest.mark.parametrize(("text", "cores"), [("200000 100000", 2), ("50000 100000", 1)])
def test_cgroup_quota(text, cores, tmp_path):
    (tmp_path / "cpu.max").write_text(text)
    assert _quota_cores(tmp_path / "cpu.max") == cores
    (tmp_path / "cpu.max").write_text("max 100000")
    assert _quota_cores(tmp_path / "cpu.max") > 1000
    assert _quota_cores(tmp_path / "absent") > 1000
