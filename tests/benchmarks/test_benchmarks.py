"""Every benchmark runs, offline and tiny, and ends with one JSON object that can be read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
FILES = sorted(path.name for path in FOLDER.glob("[a-z]*.py"))
KEYS = ["claim", "ours", "peer", "unit", "ratio", "spread", "goal", "ok"]


def last_line(script: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, str(script), "--smoke"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "load" in done.stdout
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    assert list(found) == KEYS
    return found


def test_each_requirements_file_has_its_benchmark() -> None:
    sources = "".join((FOLDER / name).read_text() for name in FILES)
    for path in FOLDER.glob("requirements-*.txt"):
        assert f'peer_python("{path.stem.removeprefix("requirements-")}"' in sources


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_benchmark_measures_both_sides(name: str) -> None:
    found = last_line(FOLDER / name)
    assert found["ours"] > 0  # type: ignore[operator]
    assert found["peer"] > 0  # type: ignore[operator]
    assert found["ratio"] > 0  # type: ignore[operator]
    assert isinstance(found["ok"], bool)


BROKEN = """Claim: two is one.

Nothing else."""


@pytest.mark.parametrize(
    ("measure", "ok"),
    [("agree('numbers', 1.0, 0.5)", False), ("agree('numbers', float('nan'), 0.5)", False),
     ("[no_data('two is one.', 's', 'no peer')]", None)],
)  # fmt: skip
def test_what_is_not_measured_has_no_ratio(measure: str, ok: bool | None, tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text(
        f'"""{BROKEN}"""\nimport sys\nsys.path.insert(0, {str(FOLDER)!r})\n'
        f"from _common import agree, no_data, run\nrun(__doc__, lambda chosen: {measure})\n"
    )
    found = last_line(script)
    assert found["claim"] == "two is one."
    assert found["ratio"] is None
    assert found["ok"] is ok
