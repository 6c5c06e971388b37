"""Rows of kind `kernel`: the best large matrix product of an accelerator."""

from __future__ import annotations

from groundup.chips.gemm import matmul_speed
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.planner.validation.estimates import DRAWS, said, sigma_of
from groundup.planner.validation.hardware import chip_of
from groundup.planner.validation.row import Prediction, Row

_FORMATS = ("bf16", "fp16", "fp8", "fp4", "int8", "tf32", "fp32")


def predict(row: Row, facts: Catalogue) -> Prediction:
    """TFLOP/s of the best matrix product by the law of groundup.chips.gemm; its residual is the
    interval. NoDataError for other metrics, formats or families of chips.
    """
    if "matmul" not in row.metric and "mamf" not in row.metric.lower():
        raise NoDataError(f"no model of the metric {row.metric!r} of kernels")
    speed = matmul_speed(chip_of(row.hardware), format_of(row.precision or row.name), facts, DRAWS)
    unit = "TFLOP/(s*accelerator)"
    how = "peak x share that power per operation allows"
    found = said(speed, unit, how, sigma_of("matmul", facts))
    return Prediction(found.value, found.low, found.high, found.how, "TFLOP/s")


def format_of(text: str) -> str:
    """Number format named in a text (`fp8 (e4m3)` is `fp8`); NoDataError where there is none."""
    lower = text.lower().replace("float8", "fp8").replace("bfloat16", "bf16")
    lower = lower.replace("float16", "fp16").replace("mxfp8", "fp8").replace("nvfp4", "fp4")
    for word in _FORMATS:
        if word in lower:
            return word
    raise NoDataError(f"no number format in {text!r}; name one of {', '.join(_FORMATS)}")
