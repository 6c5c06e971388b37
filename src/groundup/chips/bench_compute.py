"""Arithmetic of this machine: matrix products over a grid of shapes, attention, the optimiser."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from groundup.chips.bench import Bench, timed

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
        return [Bench("matrix product fp32", _numpy_product, 2.0 * SIDE**3)], "torch is missing"
    words = {"fp32": torch.float32, "bf16": torch.bfloat16}
    benches = [
        Bench(
            f"matrix product {word}",
            partial(_product, torch, SIDE, SIDE, SIDE, kind),
            2.0 * SIDE**3,
        )
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
            make = partial(_product, torch, m, n, k, kind)
            found.append(Bench(f"gemm.{word}.{m}x{n}x{k}", make, 2.0 * m * n * k))
    return found + _int8(torch)


def attention() -> list[Bench]:
    """Forward attention over a long sequence, full mask, FLOP; none without torch."""
    torch = _torch()
    if torch is None:
        return []
    work = 4.0 * _HEADS * _LENGTH**2 * _WIDTH
    return [
        Bench(f"attention.{word}", partial(_attention, torch, kind), work)
        for word, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16))
    ]


def optimiser() -> list[Bench]:
    """One AdamW step, parameters; none without torch."""
    torch = _torch()
    if torch is None:
        return []
    return [Bench("adamw", partial(_adamw, torch), float(_PARAMETERS))]


def _adamw(torch: Any) -> Callable[[], float]:
    weights = torch.nn.Parameter(torch.zeros(_PARAMETERS))
    weights.grad = torch.full_like(weights, 1e-3)
    return timed(torch.optim.AdamW([weights], lr=1e-6).step)


def _torch() -> Any:
    """The module, or None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    return torch


def _product(torch: Any, m: int, n: int, k: int, kind: Any) -> Callable[[], float]:
    """Products of random matrices into an array that is there already: no time goes to memory
    that the system must first find."""
    left, right = torch.randn(m, k).to(kind), torch.randn(k, n).to(kind)
    out = torch.empty(m, n, dtype=kind)
    return timed(lambda: torch.mm(left, right, out=out))


def _int8(torch: Any) -> list[Bench]:
    """The square product of 8-bit integers, where this build of torch has it on this machine."""
    multiply = getattr(torch, "_int_mm", None)
    try:
        if multiply is None:
            return []
        _eights(torch, multiply)()
    except RuntimeError:  # torch has the name but no kernel for this processor
        return []
    make = partial(_eights, torch, multiply)
    return [Bench(f"gemm.int8.{SIDE}x{SIDE}x{SIDE}", make, 2.0 * SIDE**3)]


def _eights(torch: Any, multiply: Any) -> Callable[[], float]:
    left = torch.ones(SIDE, SIDE, dtype=torch.int8)
    return timed(lambda: multiply(left, left))


def _attention(torch: Any, kind: Any) -> Callable[[], float]:
    query, key, value = (torch.randn(1, _HEADS, _LENGTH, _WIDTH).to(kind) for _ in range(3))
    attend = torch.nn.functional.scaled_dot_product_attention

    def forward() -> None:
        with torch.no_grad():
            attend(query, key, value)

    return timed(forward)


def _numpy_product() -> Callable[[], float]:
    generator = np.random.default_rng(0)
    left, right = (generator.random((SIDE, SIDE), dtype=np.float32) for _ in range(2))
    out = np.empty_like(left)
    return timed(lambda: np.matmul(left, right, out=out))
