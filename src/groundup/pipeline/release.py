"""The last step: hold the candidate against its gates and write release.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from groundup.facts.files import write_json
from groundup.middleware.gates import GateResult, check
from groundup.pipeline.manifest import Manifest, read_manifest
from groundup.pipeline.rates import receipt_rates
from groundup.pipeline.step import Metrics, Step, StepContext
from groundup.planner.plan import Plan
from groundup.stack.stack import Stack

PARTS = {
    "documents": "documents",
    "tokenizer": "tokenizer",
    "encoder": "retriever",
    "index": "index",
    "model": "sft",
    "quantised": "quantise",
    "eval": "evaluate",
}
"""Parts of a release and the steps that make them."""


def release_step(stack: Stack, plan: Plan) -> Step:
    """Writes release.json: the parts, what they cost, the gates and the rates of receipts."""

    def run(context: StepContext) -> Metrics:
        manifests = {name: read_manifest(path) for name, path in context.inputs.items()}
        gates = check(gate_report(manifests), stack.gates)
        steps = {part: context.inputs[step].name for part, step in PARTS.items()}
        write_json(
            context.out / "release.json",
            {
                "name": stack.name,
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "stack": {"name": stack.name, "description": stack.description},
                "artifacts": {part: f"../{directory}" for part, directory in steps.items()},
                "manifests": {name: _told(manifest) for name, manifest in manifests.items()},
                "plan": {"rates": receipt_rates(stack, plan)},
                "gates": [_gate(result) for result in gates],
            },
        )
        return {"gates": len(gates), "gates_failed": sum(not result.ok for result in gates)}

    config = {"gates": asdict(stack.gates), "stack": stack.name, "sites": asdict(stack.sites)}
    inputs = (*PARTS.values(), "questions", "shards", "pretrain")
    return Step(
        "release", run, ("groundup.pipeline.rates", "groundup.middleware.gates"), inputs, config
    )


def gate_report(manifests: Mapping[str, Manifest]) -> dict[str, Any]:
    """The values that gates are held against, by the gate's name."""
    metrics = {name: manifest.metrics for name, manifest in manifests.items()}
    report = {
        name: metrics["evaluate"].get(name)
        for name in ("recall_at_10", "citation_exactness", "abstention", "answer_accuracy")
    }
    report["bits_per_byte"] = metrics["pretrain"].get("bits_per_byte")
    report["round_trip"] = metrics["tokenizer"].get("round_trip")
    before, after = (
        metrics["quantise"].get(f"bits_per_byte_{when}") for when in ("before", "after")
    )
    if before and after:
        report["quantised_bits_per_byte_loss"] = after / before - 1.0
    return report


def _gate(result: GateResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "passed": result.ok,
        "value": result.value,
        "threshold": result.bound,
    }


def _told(manifest: Manifest) -> dict[str, Any]:
    """What a receipt needs of a manifest."""
    kept = ("key", "seconds", "joules", "joules_low", "joules_high", "joules_method", "metrics")
    return {name: getattr(manifest, name) for name in kept} | {"licences": dict(manifest.licences)}
