"""A small folder of documents, collected and indexed by the real code."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.data.collect import collect_documents
from groundup.data.config import DataConfig
from groundup.data.store import quiet
from groundup.middleware.answers import Assistant
from groundup.middleware.assistant import open_assistant
from groundup.middleware.indexing import build_index
from groundup.middleware.retrieval import Retriever

SOURCE = '''"""Tools for a kitchen: recipes, timers and shopping lists."""


def boil(water, minutes=10, *, salt=None) -> str:
    """Heat water until it boils.

    Keep the lid on while heating, it saves energy.

    Args:
        water: Litres of water in the pot.
        minutes: How long to keep it boiling.
        salt: Grams of salt, or None for no salt.

    Returns:
        A sentence that says how hot the water is.

    Raises:
        ValueError: if there is no water.
    """
    if not water:
        raise ValueError("no water")
    return "hot"


def slice_bread(loaf, count=2):
    """Cut a loaf into equal slices.

    >>> slice_bread("rye", 2)
    ['r', 'ye']
    """
    if count < 1:
        raise TypeError("count must be positive")
    return [loaf[:1], loaf[1:]]


class Timer:
    """Measures how long a dish is in the oven."""

    def start(self):
        """Begin to count the seconds."""

    def stop(self):
        """End counting and return the seconds as a float."""


def split(dish, guests):
    """Divide a dish fairly among the guests."""
'''

SHOP = '''"""Shopping."""


def split(bill, people):
    """Share a bill equally between people."""


def write_list(items, path):
    """Write the shopping list of items into a file."""
'''

GUIDE = """# Kitchen guide

How the kitchen works.

## Cleaning the oven

Let the oven cool down first. Then wipe it with vinegar and warm water.

## Storing vegetables

Keep potatoes in a dark place. Tomatoes do not belong in the fridge.
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kitchen")
    (root / "kitchen.py").write_text(SOURCE, "utf-8")
    (root / "shop.py").write_text(SHOP, "utf-8")
    (root / "guide.md").write_text(GUIDE, "utf-8")
    return root


@pytest.fixture(scope="session")
def documents(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("documents")
    collect_documents(DataConfig(python=False, docs=(str(folder),), held_out=0.0), out, quiet)
    return out


@pytest.fixture(scope="session")
def index(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("index")
    build_index(documents, None, None, out, quiet)
    return out


@pytest.fixture(scope="session")
def retriever(index: Path) -> Retriever:
    return Retriever.open(index)


@pytest.fixture(scope="session")
def assistant(index: Path) -> Assistant:
    return open_assistant(index)
