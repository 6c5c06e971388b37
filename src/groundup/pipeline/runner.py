"""Runs steps in order: a finished one is not run again, a killed one goes on, each is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from groundup import __version__
from groundup.pipeline.clock import Clock
from groundup.pipeline.code import code_digest
from groundup.pipeline.manifest import Manifest, hash_files
from groundup.pipeline.step import Metrics, Progress, Step, StepContext
from groundup.pipeline.store import Store, disk_guard, step_key
from groundup.systems.energy import EnergyMeter
from groundup.systems.peak import PeakMemory

_LICENCES, _SOURCES = "licences", "sources"


class Voice(Protocol):
    """What the runner says while it works; the roof prints it."""

    def step_started(self, step: str, key: str, resumed: bool) -> None:
        """A step begins; `resumed` when it goes on from a half-made directory."""

    def step_done(self, step: str, manifest: Manifest, fresh: bool) -> None:
        """A step is finished; `fresh` is False when it had been done before."""

    def waiting(self, step: str) -> None:
        """Another run is making the same artifact."""

    def progress(self, step: str) -> Progress:
        """The progress callable of a step."""


@dataclass(frozen=True)
class Made:
    """A finished artifact."""

    step: str
    key: str
    directory: Path
    manifest: Manifest


def run_steps(
    steps: Sequence[Step], store: Store, voice: Voice, seed: int, energy: str = "auto"
) -> dict[str, Made]:
    """Make the artifact of every step, in order; returns them by step name.

    Raises what a step raises; a full disk becomes an ArtifactError. Finished steps stay.
    """
    made: dict[str, Made] = {}
    for step in steps:
        key = step_key(step, {name: made[name].key for name in step.inputs})
        made[step.name] = _make(step, key, made, store, voice, seed, energy)
    return made


def _make(
    step: Step,
    key: str,
    made: Mapping[str, Made],
    store: Store,
    voice: Voice,
    seed: int,
    energy: str,
) -> Made:
    with disk_guard(store.root), store.lock(step.name, key, lambda: voice.waiting(step.name)):
        manifest = store.find(step.name, key)
        fresh = manifest is None
        if manifest is None:
            manifest = _build(step, key, made, store, voice, seed, energy)
    voice.step_done(step.name, manifest, fresh)
    return Made(step.name, key, store.final(step.name, key), manifest)


def _build(
    step: Step,
    key: str,
    made: Mapping[str, Made],
    store: Store,
    voice: Voice,
    seed: int,
    energy: str,
) -> Manifest:
    if not step.resumable:
        store.discard(step.name, key)
    work = store.work(step.name, key)
    resumed = work.exists()
    work.mkdir(parents=True, exist_ok=True)
    voice.step_started(step.name, key, resumed)
    started = _now()
    say = voice.progress(step.name)
    with EnergyMeter(energy) as meter, PeakMemory() as memory:
        clock = Clock(work, meter)

        def progress(label: str, done: float, total: float) -> None:
            clock.tick()
            say(label, done, total)

        context = StepContext(
            inputs={name: made[name].directory for name in step.inputs}, out=work, progress=progress
        )
        try:
            metrics = step.run(context)
        except BaseException:
            clock.save()  # what was spent counts, however the attempt ended
            raise
        used = clock.used()
        clock.remove()
    manifest = Manifest(
        step=step.name,
        key=key,
        inputs={name: made[name].key for name in step.inputs},
        config=step.config,
        code=code_digest(step.code),
        version=__version__,
        seed=seed,
        licences=_inherited(_LICENCES, metrics, step, made),
        sources=_inherited(_SOURCES, metrics, step, made),
        metrics=metrics,
        seconds=used.seconds,
        cpu_seconds=used.cpu_seconds,
        joules=used.joules,
        joules_low=used.joules_low,
        joules_high=used.joules_high,
        joules_method=used.joules_method,
        peak_rss_bytes=memory.peak_bytes,
        attempts=used.attempts,
        started=started,
        finished=_now(),
        files=hash_files(work),
    )
    store.finish(step.name, key, manifest)
    return manifest


def _inherited(kind: str, metrics: Metrics, step: Step, made: Mapping[str, Made]) -> dict[str, int]:
    """Counts (licences, sources) that the step reports itself, or those of its inputs."""
    own: Any = metrics.pop(kind, None)
    if own is not None:
        return dict(own)
    merged: dict[str, int] = {}
    for name in step.inputs:
        merged.update(getattr(made[name].manifest, kind))
    return merged


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
