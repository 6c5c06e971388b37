"""How much text there is to read, known from file sizes alone, before anything is read."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from groundup.data.config import DataConfig
from groundup.data.folder import folder_files
from groundup.data.python_sources import python_files


def corpus_bytes(config: DataConfig) -> int:
    """Bytes of all files that would be read (cleaning will drop some). Raises DataError."""
    python = python_files(config.packages, config.max_mib_per_package) if config.python else ()
    own = chain.from_iterable(folder_files(folder) for folder in config.docs)
    paths = {file.path for file in chain(python, own) if file.path}
    return sum(Path(path).stat().st_size for path in paths)
