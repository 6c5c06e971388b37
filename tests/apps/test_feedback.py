"""Feedback survives a killed process, keeps its words, and exports as TRL preferences."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from groundup.apps.feedback import Feedback, FeedbackStore, export_preferences
from groundup.facts.errors import DataError, ServeError


def judged(number: int, **changes: object) -> Feedback:
    values = {
        "release": "r",
        "answer_id": f"a{number}",
        "rating": "up",
        "comment": "“good”\n\x00",
        "question": "what?",
        "answer": f"answer {number}",
        "citations": ({"uri": "x.py", "start_line": 1},),
        "consent": True,
        "verified": True,
        "time": 1.5,
    }
    return Feedback(**{**values, **changes})


def test_round_trip(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "state")
    entries = [judged(1), judged(2, rating="down", consent=False, comment="")]
    assert [store.add(entry) for entry in entries] == [1, 2]
    store.close()
    assert FeedbackStore(tmp_path / "state").all() == entries


WRITER = """
import sys
from pathlib import Path
from groundup.apps.feedback import Feedback, FeedbackStore
store = FeedbackStore(Path(sys.argv[1]))
n = 0
while True:
    n += 1
    store.add(Feedback("r", f"a{n}", "up", "", "q", "a", (), True, True, 0.0))
    print(n, flush=True)
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = 0
    while acknowledged < 40:
        acknowledged = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
    process.wait()
    found = FeedbackStore(tmp_path).all()
    assert [entry.answer_id for entry in found[:acknowledged]] == [
        f"a{n}" for n in range(1, acknowledged + 1)
    ]
    assert len(found) - acknowledged in (0, 1)  # one may be stored and not yet acknowledged


def test_export_unpaired(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    store.add(judged(1))
    store.add(judged(2, consent=False))
    store.add(judged(3, verified=False))
    store.add(judged(4, rating="down"))
    store.add(judged(5))
    store.add(judged(5, consent=False))  # consent withdrawn
    out = tmp_path / "out.jsonl"
    assert export_preferences(tmp_path, out) == 2
    first, second = map(json.loads, out.read_text().splitlines())
    assert first == {
        "prompt": [{"role": "user", "content": "what?"}],
        "completion": [{"role": "assistant", "content": "answer 1"}],
        "label": True,
    }
    assert second["label"] is False


def test_export_pairs_answers_of_one_question(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    store.add(judged(1))
    store.add(judged(2, rating="down"))
    store.add(judged(3, question="another?"))
    out = tmp_path / "out.jsonl"
    assert export_preferences(tmp_path, out, "paired") == 1
    line = json.loads(out.read_text())
    assert line["chosen"][0]["content"] == "answer 1"
    assert line["rejected"][0]["content"] == "answer 2"


def test_export_without_feedback_and_unwritable_state(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nobody has judged"):
        export_preferences(tmp_path, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(ServeError, match="cannot be stored"):
        FeedbackStore(tmp_path / "file")
