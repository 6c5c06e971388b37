"""A small real corpus for whole runs: some of the standard library's own modules."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

MODULES = (
    "json", "email", "asyncio", "pathlib.py", "textwrap.py", "subprocess.py", "shutil.py",
    "csv.py", "heapq.py", "statistics.py",
)  # fmt: skip
SETTINGS = """
[data]
python = false
docs = ["../notes"]
vocabulary = 1024

[recipes]
budget_minutes = 0.1

[gates]
abstention = 0.5
answer_accuracy = 0.4
bits_per_byte = 4.5
"""


def make_project(folder: Path) -> None:
    """Lay `notes` (documents) and `stacks` (the examples; laptop.toml made small) in `folder`."""
    library = Path(sysconfig.get_path("stdlib"))
    notes = folder / "notes"
    notes.mkdir(parents=True)
    for name in MODULES:
        source = library / name
        if source.is_dir():
            shutil.copytree(source, notes / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, notes / name)
    root = Path(__file__).parents[2]
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        shutil.copy(root / name, notes / name)
    shutil.copytree(root / "stacks", folder / "stacks")
    laptop = folder / "stacks" / "laptop.toml"
    kept = laptop.read_text(encoding="utf-8").split("[gates]")[0].split("[recipes]")[0]
    machine = '\n[chips]\naccelerator = "this-machine"\n[networks]\ntopology = "none"\n'
    laptop.write_text(kept + SETTINGS + machine, encoding="utf-8")
