"""A step of the pipeline as data: what it reads, what sets its outcome, and the function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Progress = Callable[[str, float, float], None]
"""progress(label, done, total): called often by long work; the roof prints rate and ETA."""

Metrics = dict[str, Any]
"""Flat measurements of a step: numbers and short texts by name."""


@dataclass(frozen=True)
class StepContext:
    """What a running step is given: its input directories, its own directory and a voice."""

    inputs: Mapping[str, Path]
    out: Path
    progress: Progress


@dataclass(frozen=True)
class Step:
    """One unit of the pipeline; its artifact is addressed by inputs + config + code."""

    name: str
    """Name of the step; artifacts are `runs/artifacts/<name>-<key>`."""

    run: Callable[[StepContext], Metrics]
    """Does the work inside `context.out` and returns metrics."""

    code: tuple[str, ...]
    """Modules of groundup that do the work; they and all they import are part of the key."""

    inputs: tuple[str, ...] = ()
    """Names of the earlier steps whose artifacts are read."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """Everything else that sets the outcome: settings, seed, fingerprints of outside inputs."""

    resumable: bool = False
    """Whether `run` goes on from a half-written directory; else that directory is emptied."""
