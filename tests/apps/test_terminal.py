"""The terminal chat on pipes: local release and live server give the same conversation."""

import io
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from groundup.apps.talk import LocalTalk, RemoteTalk
from groundup.apps.terminal import chat, place, printable, quantity
from groundup.facts.errors import ServeError

TYPED = """\
What is the signature of shlex.split?
/open 1
/open 9
/receipt

/nonsense
What does json.xyz return?
/quit
never reached
"""


def converse(talk: Any, typed: str) -> str:
    out = io.StringIO()
    chat(talk, io.StringIO(typed), out)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_a_conversation(kind: str, live: Any) -> None:
    talk = LocalTalk(live.service) if kind == "local" else RemoteTalk(live.url)
    said = converse(talk, TYPED)
    assert "def split(s, comments=False, posix=True):" in said
    assert "  [1] sources/shlex.py:305" in said
    assert "   305  def split(s, comments=False, posix=True):" in said
    assert "expected /open N with N from 1 to 2" in said
    assert "carbon dioxide" in said
    assert "(planned)" in said
    assert "There is no command /nonsense" in said
    assert "json.xyz" in said
    assert "never reached" not in said


def test_both_say_the_same(live: Any) -> None:
    question = "Which function finds the n largest elements?\n"
    assert converse(LocalTalk(live.service), question) == converse(RemoteTalk(live.url), question)


def test_the_end_of_input_ends_it(live: Any) -> None:
    assert converse(LocalTalk(live.service), "") == ""
    assert "shlex" in converse(LocalTalk(live.service), "What is shlex.join?")  # no line end


def test_help_new_and_no_answer_yet(live: Any) -> None:
    said = converse(LocalTalk(live.service), "/help\n/receipt\n/open 1\n/new\n")
    assert "/open N" in said
    assert "There is no answer yet." in said


def test_a_server_that_is_gone() -> None:
    with pytest.raises(ServeError, match="Is the server up"):
        RemoteTalk("http://127.0.0.1:1")


def test_an_error_does_not_end_the_conversation(live: Any) -> None:
    said = converse(RemoteTalk(live.url), "x" * 501 + "\nWhat is shlex.join?\n")
    assert "error: " in said
    assert "[1] sources/shlex.py" in said


def test_a_document_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\x07\u202ec\td\n") == "a[2Jbc\td\n"


def test_places_and_quantities() -> None:
    assert place({"uri": "a.py", "start_line": 3, "end_line": 3}) == "a.py:3"
    assert place({"uri": "a.py", "start_line": 3, "end_line": 5}) == "a.py:3-5"
    assert quantity({"value": 1234.0, "low": None, "high": None, "unit": "B"}) == "1,234 B"
    assert quantity({"value": 1e-7, "low": 5e-8, "high": 2e-7, "unit": "USD"}) == (
        "1e-07 (5e-08 to 2e-07) USD"
    )


SCRIPT = """
import sys
from groundup.apps.talk import RemoteTalk
from groundup.apps.terminal import chat
chat(RemoteTalk(sys.argv[1]))
print("clean end")
"""


def test_ctrl_c_at_the_prompt_ends_cleanly(live: Any, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, live.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("What is shlex.join?\n")
    process.stdin.flush()
    while "[1]" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "clean end" in out
    assert "Traceback" not in err
