"""What the served weights are: parameters, precision, bytes and digest, read from the files."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path

from groundup.facts.errors import ArtifactError


@dataclass(frozen=True)
class Weights:
    """Facts about one model directory."""

    parameters: int
    precision: str
    file_bytes: int
    digest: str


def read_weights(directory: Path) -> Weights:
    """Read the header of `model.safetensors` and hash the file.

    The header is a little-endian u64 length, then JSON of name -> dtype, shape, offsets
    (the safetensors format). Scales of quantised tensors are not counted as parameters.
    """
    file = directory / "model.safetensors"
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(length))
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError, struct.error) as error:
        raise ArtifactError(f"{file}: not readable as safetensors ({error})") from error
    sizes: dict[str, int] = {}
    for name, tensor in header.items():
        if name != "__metadata__" and not name.endswith(".scale"):
            dtype = tensor["dtype"]
            sizes[dtype] = sizes.get(dtype, 0) + math.prod(tensor["shape"])
    precision = ", ".join(
        f"{dtype} {size / sum(sizes.values()):.0%}" if len(sizes) > 1 else dtype
        for dtype, size in sorted(sizes.items(), key=lambda item: -item[1])
    )
    return Weights(sum(sizes.values()), precision, file.stat().st_size, f"sha256:{digest}")
