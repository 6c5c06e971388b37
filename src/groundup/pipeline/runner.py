"""Runs steps in order: a finished one is not run again, a killed one goes on, each is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
    run = _Run(store, voice, seed, energy, {})
    for step in steps:
        run.made[step.name] = run.make(step)
    return run.made


@dataclass(frozen=True)
class _Run:
    """One pass over the steps; `made` grows as they are finished."""

    store: Store
    voice: Voice
    seed: int
    energy: str
    made: dict[str, Made]

    def make(self, step: Step) -> Made:
        """The artifact of a step: found, or made under its lock."""
        store, name = self.store, step.name
        key = step_key(step, {other: self.made[other].key for other in step.inputs})
        with disk_guard(store.root), store.lock(name, key, lambda: self.voice.waiting(name)):
            manifest = store.find(name, key)
            fresh = manifest is None
            if manifest is None:
                manifest = self._build(step, key)
        self.voice.step_done(name, manifest, fresh)
        return Made(name, key, store.final(name, key), manifest)

    def _build(self, step: Step, key: str) -> Manifest:
        """Run the step in its work directory, measured, and seal the artifact."""
        if not step.resumable:
            self.store.discard(step.name, key)
        work = self.store.work(step.name, key)
        self.voice.step_started(step.name, key, work.exists())
        work.mkdir(parents=True, exist_ok=True)
        started = _now()
        with EnergyMeter(self.energy) as meter, PeakMemory() as memory:
            clock = Clock(work, meter)
            metrics = self._work(step, work, clock)
            used = clock.used()
            clock.remove()
        manifest = Manifest(
            step=step.name,
            key=key,
            inputs={name: self.made[name].key for name in step.inputs},
            config=step.config,
            code=code_digest(step.code),
            version=__version__,
            seed=self.seed,
            licences=self._inherited("licences", metrics, step),
            sources=self._inherited("sources", metrics, step),
            metrics=metrics,
            peak_rss_bytes=memory.peak_bytes,
            started=started,
            finished=_now(),
            files=hash_files(work),
            **asdict(used),
        )
        self.store.finish(step.name, key, manifest)
        return manifest

    def _work(self, step: Step, work: Path, clock: Clock) -> Metrics:
        """The step's own function; what an attempt spent counts, however it ended."""
        say = self.voice.progress(step.name)

        def progress(label: str, done: float, total: float) -> None:
            clock.tick()
            say(label, done, total)

        inputs = {name: self.made[name].directory for name in step.inputs}
        try:
            return step.run(StepContext(inputs, work, progress))
        except BaseException:
            clock.save()
            raise

    def _inherited(self, kind: str, metrics: Metrics, step: Step) -> dict[str, int]:
        """Counts (licences, sources) that the step reports itself, or those of its inputs."""
        own: Any = metrics.pop(kind, None)
        if own is not None:
            return dict(own)
        merged: dict[str, int] = {}
        for name in step.inputs:
            merged.update(getattr(self.made[name].manifest, kind))
        return merged


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
