"""Arithmetic of this machine: matrix products over a grid of shapes, attention, the optimiser."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from groundup.chips.bench import Bench

SIDE = 1024
"""Side of the square matrices of the peak: compute bound, small enough for a small machine."""
SHAPES = ((1, 2048, 2048), (16, 2048, 2048), (128, 2048, 2048), (2048, 2048, 2048))
"""m, n, k beside the square of the peak: decode, small batches, and twice the side."""
_HEADS, _LENGTH, _WIDTH = 8, 1024, 64
"""Attention heads, sequence and head dimension: a layer of a small decoder."""
_PARAMETERS = 4 * 2**20
"""Parameters of the optimiser's step: beyond the caches with both of its moments."""


def products() -> tuple[list[Bench], str]:
    """The square product by format, FLOP; and why a format is missing ("" where none is)."""
    torch = _torch()
    if torch is None:
        return [Bench("matrix product fp32", _numpy_product(), 2.0 * SIDE**3)], "torch is missing"
    words = {"fp32": torch.float32, "bf16": torch.bfloat16}
    benches = [
        Bench(f"matrix product {word}", _product(torch, SIDE, SIDE, SIDE, kind), 2.0 * SIDE**3)
        for word, kind in words.items()
    ]
    return benches, ""


def grid() -> list[Bench]:
    """Products of other shapes, FLOP; none without torch."""
    torch = _torch()
    if torch is None:
        return []
    found = []
    for word, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        for m, n, k in SHAPES:
            run = _product(torch, m, n, k, kind)
            found.append(Bench(f"gemm.{word}.{m}x{n}x{k}", run, 2.0 * m * n * k))
    return found + _int8(torch)


def attention() -> list[Bench]:
    """Forward attention over a long sequence, full mask, FLOP; none without torch."""
    torch = _torch()
    if torch is None:
        return []
    work = 4.0 * _HEADS * _LENGTH**2 * _WIDTH
    return [
        Bench(f"attention.{word}", _attention(torch, kind), work)
        for word, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16))
    ]


def optimiser() -> list[Bench]:
    """One AdamW step, parameters; none without torch."""
    torch = _torch()
    if torch is None:
        return []
    weights = torch.nn.Parameter(torch.zeros(_PARAMETERS))
    weights.grad = torch.full_like(weights, 1e-3)
    stepper = torch.optim.AdamW([weights], lr=1e-6)
    return [Bench("adamw", _timed(stepper.step), float(_PARAMETERS))]


def _torch() -> Any:
    """The module, or None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    return torch


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return run


def _product(torch: Any, m: int, n: int, k: int, kind: Any) -> Callable[[], float]:
    """Products of random matrices into an array that is there already: no time goes to memory
    that the system must first find."""
    left, right = torch.randn(m, k).to(kind), torch.randn(k, n).to(kind)
    out = torch.empty(m, n, dtype=kind)
    return _timed(lambda: torch.mm(left, right, out=out))


def _int8(torch: Any) -> list[Bench]:
    """The square product of 8-bit integers, where this build of torch has it on this machine."""
    left = torch.ones(SIDE, SIDE, dtype=torch.int8)
    multiply = getattr(torch, "_int_mm", None)
    try:
        if multiply is None:
            return []
        multiply(left, left)
    except RuntimeError:  # torch has the name but no kernel for this processor
        return []
    return [
        Bench(
            f"gemm.int8.{SIDE}x{SIDE}x{SIDE}", _timed(lambda: multiply(left, left)), 2.0 * SIDE**3
        )
    ]


def _attention(torch: Any, kind: Any) -> Callable[[], float]:
    query, key, value = (torch.randn(1, _HEADS, _LENGTH, _WIDTH).to(kind) for _ in range(3))
    attend = torch.nn.functional.scaled_dot_product_attention

    def forward() -> None:
        with torch.no_grad():
            attend(query, key, value)

    return _timed(forward)


def _numpy_product() -> Callable[[], float]:
    generator = np.random.default_rng(0)
    left, right = (generator.random((SIDE, SIDE), dtype=np.float32) for _ in range(2))
    out = np.empty_like(left)
    return _timed(lambda: np.matmul(left, right, out=out))
