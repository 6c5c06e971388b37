"""`import groundup` is light: quick, and without any of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "numpy", "pyarrow", "tokenizers", "starlette", "transformers")


def test_import_brings_nothing_heavy() -> None:
    code = (
        "import sys, time; start = time.perf_counter(); import groundup; "
        "print(time.perf_counter() - start, *sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert float(out[0]) < 0.5
    assert not set(HEAVY) & set(out[1:])


def test_help_of_the_command_does_not_load_torch() -> None:
    code = (
        "import sys\nfrom groundup.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in ("init", "plan", "explain", "run", "up", "serve", "chat", "lineage"):
        assert command in done.stdout
