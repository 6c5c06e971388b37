"""The record of a run, and what it says afterwards: predicted against measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup.facts.errors import ArtifactError
from groundup.facts.files import write_json
from groundup.pipeline.manifest import read_manifest
from groundup.pipeline.predict import Predicted
from groundup.pipeline.runner import Made
from groundup.pipeline.store import Store
from groundup.planner.validate import Comparison, compare

if TYPE_CHECKING:
    from groundup.recipes.calibration import Calibration

FILE = "last-run.json"


def write_record(home: Path, made: Mapping[str, Made], prediction: Predicted) -> None:
    """Remember which artifacts the newest run of a stack is made of, and its prediction."""
    write_json(
        home / FILE,
        {
            "artifacts": {
                name: f"../artifacts/{item.directory.name}" for name, item in made.items()
            },
            "prediction": prediction.path.relative_to(home).as_posix(),
            "prediction_sha256": prediction.sha256,
        },
    )


def read_record(runs: Path, stack: str) -> dict[str, Any]:
    """The record of the newest finished run of a stack. Raises ArtifactError with the remedy."""
    path = runs / stack / FILE
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(
            f"{path}: no finished run of {stack!r} yet; `groundup run` makes one"
        ) from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: unreadable ({error}); run `groundup run` again") from error
    return record


def artifact(runs: Path, stack: str, step: str) -> Path:
    """Directory of a step's artifact in the newest run of a stack. Raises ArtifactError."""
    home = runs / stack
    return home.joinpath(read_record(runs, stack)["artifacts"][step]).resolve()


def comparison(runs: Path, stack: str) -> Comparison:
    """Predicted against measured for the newest run of a stack. Raises ArtifactError.

    `calibrate` is left out: it comes before the prediction, which is made from it.
    """
    home, record = runs / stack, read_record(runs, stack)
    paths = {step: path for step, path in record["artifacts"].items() if step != "calibrate"}
    manifests = [asdict(read_manifest(home / path)) for path in paths.values()]
    return compare(home / record["prediction"], manifests, record["prediction_sha256"])


def newest_calibration(runs: Path) -> Calibration | None:
    """Measured training speeds of this machine from an earlier run, if there was one."""
    if not (runs / "artifacts").is_dir():
        return None
    found = [path for path, manifest in Store(runs).all() if manifest.step == "calibrate"]
    if not found:
        return None
    from groundup.recipes.calibration import load_calibration

    return load_calibration(found[-1] / "calibration.json")
