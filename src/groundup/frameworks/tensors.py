"""Named tensors on disk: safetensors files that are either whole or not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from groundup.facts.errors import ArtifactError
from groundup.facts.files import replacing


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write `tensors` to `path` at once; a reader sees the old file or the new one, never half.

    `metadata` is text kept in the header; Hugging Face loaders want {"format": "pt"} and get it.
    """
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {"format": "pt", **(metadata or {})}
    with replacing(path) as temporary:
        save_file(whole, str(temporary), metadata=header)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read every tensor of a safetensors file; raises ArtifactError when missing or damaged."""
    try:
        return load_file(str(path))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; run the step that writes it") from None
    except SafetensorError as error:
        raise ArtifactError(
            f"{path}: not a whole safetensors file ({error}); make it anew"
        ) from None
