"""run: choose by the budget, predict, make every step, hold the gates, promote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from groundup.chips.this_machine import Machine
from groundup.data.size import corpus_bytes
from groundup.facts.errors import GateError
from groundup.middleware.gates import GateResult, check, describe, passed
from groundup.pipeline import assistant
from groundup.pipeline.predict import choose_model, predict_run
from groundup.pipeline.promote import promote, read_current
from groundup.pipeline.release import gate_report, release_step
from groundup.pipeline.report import write_record
from groundup.pipeline.runner import Made, Voice, run_steps
from groundup.pipeline.step import Step
from groundup.pipeline.store import Store
from groundup.planner.plan import Plan
from groundup.recipes.calibration import load_calibration
from groundup.stack.stack import Stack

if TYPE_CHECKING:
    from groundup.recipes.dial import Choice


class BuildVoice(Voice, Protocol):
    """A voice that also says whole lines."""

    def say(self, text: str = "") -> None:
        """Print a line."""


@dataclass(frozen=True)
class Built:
    """A finished run: its artifacts and its gates, all passed."""

    made: dict[str, Made]
    gates: list[GateResult]


def build(stack: Stack, runs: Path, plan: Plan, machine: Machine, voice: BuildVoice) -> Built:
    """Build the stack under `runs` and promote it when it passes its gates.

    Steps that are done are not run again. Raises GateError, with the report, when a gate fails;
    everything is kept then, and what was served before stays served.
    """
    store, home = Store(runs), runs / stack.name
    seed, energy = stack.frameworks.seed, stack.systems.energy
    made = run_steps([assistant.calibrate_step(stack)], store, voice, seed, energy)
    calibration = load_calibration(made["calibrate"].directory / "calibration.json")
    size = corpus_bytes(stack.data)  # walks every file that will be read: once is enough
    choice = choose_model(stack, calibration, size)
    prediction = predict_run(home, choice, calibration, size, machine)
    voice.say(choice.describe())
    voice.say(f"predicted  every step: {prediction.path} (sha256 {prediction.sha256[:12]})")
    made |= run_steps(candidate_steps(stack, choice, plan), store, voice, seed, energy)
    write_record(home, made, prediction)
    gates = check(gate_report({name: item.manifest for name, item in made.items()}), stack.gates)
    report = made["evaluate"].directory / "report.md"
    before = read_current(home)
    serving = before.release.name if before else ""
    voice.say(describe(gates, str(report), serving))
    if not passed(gates):
        raise GateError(
            f"{stack.name}: {sum(not gate.ok for gate in gates)} of {len(gates)} gates failed; "
            "not promoted. A larger --budget, more documents or another [gates] bound changes that"
        )
    release = made["release"].directory
    if before is None or before.release.resolve() != release.resolve():
        promote(home, release)
    voice.say(f"promoted {release.name}")
    return Built(made, gates)


def candidate_steps(stack: Stack, choice: Choice, plan: Plan) -> list[Step]:
    """Every step from documents to release, in an order in which inputs come first."""
    return [
        assistant.documents_step(stack),
        assistant.questions_step(stack),
        assistant.tokenizer_step(stack),
        assistant.shards_step(),
        assistant.pretrain_step(stack, choice),
        assistant.retriever_step(stack),
        assistant.index_step(),
        assistant.sft_step(stack),
        assistant.quantise_step(stack),
        assistant.evaluate_step(stack),
        release_step(stack, plan),
    ]
