"""Number formats of served weights, activations and caches: real bytes, scales included."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.errors import ConfigError


@dataclass(frozen=True)
class Format:
    """How weights of one format are kept and multiplied."""

    element: float
    """Bits of an element."""
    scale: float
    """Bits of one scale."""
    block: float
    """Elements that share a scale."""
    products: str
    """Format of the matrix products; `bf16` where only the weights are small."""

    @property
    def bytes_each(self) -> float:
        """Bytes of a number with its part of the scale."""
        return (self.element + self.scale / self.block) / 8.0


FORMATS = {
    "fp32": Format(32, 0, 1, "bf16"),
    "bf16": Format(16, 0, 1, "bf16"),
    "fp8": Format(8, 32, 16384, "fp8"),
    "int8": Format(8, 32, 4096, "bf16"),
    "int4": Format(4, 16, 128, "bf16"),
    "mxfp4": Format(4, 8, 32, "bf16"),
    "nvfp4": Format(4, 8, 16, "fp4"),
}
"""fp8 with a scale a 128 x 128 block (DeepSeek-V3, arXiv:2412.19437, section 3.3), int8 with one a
row, int4 in groups of 128 (AWQ, arXiv:2306.00978), mxfp4 with 32 a scale (OCP Microscaling 1.0,
section 5.1), nvfp4 with 16 a scale (NVIDIA Blackwell architecture brief)."""
SMALL = ("int4", "mxfp4", "nvfp4")
"""Formats that publishers of mixture models keep for the routed experts; the rest stays wider."""
_ALSO = {"none": "bf16", "bfloat16": "bf16", "fp16": "bf16", "float16": "bf16", "float8": "fp8",
         "fp4": "nvfp4", "nvfp4": "nvfp4", "w4a16": "int4", "w8a8": "fp8"}  # fmt: skip


def format_of(name: str) -> Format:
    """A format by its name or a common other name; ConfigError lists them otherwise."""
    return FORMATS[format_name(name)]


def format_name(name: str) -> str:
    """The name under which a format stands in `FORMATS`."""
    key = name.strip().lower()
    key = _ALSO.get(key, key)
    if key not in FORMATS:
        raise ConfigError(f"number format {name!r}: allowed are {', '.join(FORMATS)}")
    return key
