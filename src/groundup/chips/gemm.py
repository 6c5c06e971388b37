"""Matrix products: one fitted law for the share of the peak, and what the shape does to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.chips.catalogue import chip, figure, known, needs_law
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, given, maximum, minimum

Array = NDArray[np.float64]
_FORMATS = ("bf16", "fp16", "fp8", "int8", "fp4")
"""Formats of the matrix units that the law speaks of: fitted on bf16 and fp8."""
BYTES = {"fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5}
"""Bytes of an element by number format."""


def gemm_share(name: str, number_format: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Share of the dense peak that the best large matrix product reaches (0 to 1).

    share = a x (design power / peak) ^ b, times the maker's software where it lags. Power per
    operation decides because big products run below the boost clock that the peak is quoted at.
    Fitted to 18 measurements (facts `chips.gemm.*` with their errors). NoDataError where power or
    peak is not on record, or the chip's family is none that the law was fitted on.
    """
    needs_law(name, "matrix products")
    if number_format not in _FORMATS:
        raise NoDataError(
            f"no law of matrix products in {number_format}; it speaks of {', '.join(_FORMATS)}"
        )
    peak = figure(name, f"peak.{number_format}.dense", facts, samples)
    power = figure(name, "tdp", facts, samples)
    scale = facts.estimate("chips.gemm.reference", samples)
    exponent = facts.estimate("chips.gemm.power_exponent", samples)
    share = facts.estimate("chips.gemm.share", samples) * (power / peak / scale) ** exponent
    if chip(name).maker == "AMD":
        share = share * facts.estimate("chips.gemm.amd", samples)
    formula = "share x (power / peak) ^ exponent [x software]"
    return minimum(share, 1.0).named("chips.gemm_share", formula)


def matmul_speed(name: str, number_format: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Best matrix product by the law, TFLOP/(s*accelerator)."""
    peak = figure(name, f"peak.{number_format}.dense", facts, samples)
    speed = peak * gemm_share(name, number_format, facts, samples)
    return speed.named("chips.matmul_speed", "peak x share")


@dataclass(frozen=True)
class Product:
    """C = A B with A of m x k and B of k x n; numbers or arrays of equal length."""

    m: ArrayLike
    """Rows of A and C."""
    n: ArrayLike
    """Columns of B and C."""
    k: ArrayLike
    """Columns of A, rows of B."""

    @property
    def shape(self) -> tuple[Array, Array, Array]:
        """m, n and k as float arrays that broadcast together."""
        m, n, k = np.broadcast_arrays(
            *(np.asarray(x, np.float64) for x in (self.m, self.n, self.k))
        )
        return m, n, k


def fill(product: Product, cores: float, rows: float, columns: float) -> Array:
    """Share of the arithmetic that is not padding: tile and wave quantisation (0 to 1].

    The result is cut into tiles of rows x columns or columns x rows, whichever fits better; tiles
    go to `cores` in waves, and the last wave may be nearly empty. Source: NVIDIA, Matrix
    Multiplication Background User's Guide, tile and wave quantization.
    """
    m, n, _ = product.shape
    best = np.zeros_like(m)
    for tall, wide in ((rows, columns), (columns, rows)):
        tiles = np.ceil(m / tall) * np.ceil(n / wide)
        waves = np.ceil(tiles / cores)
        best = np.maximum(best, m * n / (waves * cores * tall * wide))
    return np.asarray(best)


def gemm_time(
    name: str, product: Product, number_format: str, facts: Catalogue, samples: int = 0
) -> Estimate:
    """Seconds of one matrix product: the longer of arithmetic (padding counted) and memory.

    Rows of the Estimate are the products. Quantisation is left out where the number of cores is
    not on record. NoDataError as `gemm_share`, or where the format's width is unknown.
    """
    if number_format not in BYTES:
        raise NoDataError(f"width of {number_format} is not known; known: {', '.join(BYTES)}")
    m, n, k = product.shape
    work = given(2 * m * n * k / _fill(name, product, facts), "FLOP", "padded operations")
    moved = given((m * k + k * n + m * n) * BYTES[number_format], "B", "bytes moved once")
    one = given(1.0, "accelerator", "one accelerator")
    speed = matmul_speed(name, number_format, facts, samples) * one
    stream = figure(name, "bandwidth", facts, samples) * one
    stream = stream * facts.estimate("chips.gemm.stream_share", samples)
    longer = maximum((work / speed).to("s"), (moved / stream).to("s"))
    return longer.named("chips.gemm_time", "longer of padded operations / speed and bytes / rate")


def gemm_efficiency(
    name: str, product: Product, number_format: str, facts: Catalogue, samples: int = 0
) -> Estimate:
    """Share of the dense peak that a product of this shape reaches (0 to 1)."""
    m, n, k = product.shape
    peak = figure(name, f"peak.{number_format}.dense", facts, samples)
    one = given(1.0, "accelerator", "one accelerator")
    ideal = given(2 * m * n * k, "FLOP", "operations") / (peak * one)
    share = ideal.to("s") / gemm_time(name, product, number_format, facts, samples)
    return share.named("chips.gemm_efficiency", "operations / peak / time")


def _fill(name: str, product: Product, facts: Catalogue) -> Array:
    units = known(name, "tensor_units", facts)
    if units is None or chip(name).family != "gpu":
        return np.ones_like(product.shape[0])
    cores = units.value / facts["chips.gemm.units_per_core"].value
    rows, columns = (facts[f"chips.gemm.tile_{word}"].value for word in ("rows", "columns"))
    return fill(product, cores, rows, columns)
