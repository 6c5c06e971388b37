"""What the outside world looked like: the parts of this machine that the corpus is made from.

It is part of the key of the `documents` step, so that an upgraded package or an edited file of
your own makes new documents, and nothing else does.
"""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from groundup.facts.errors import DataError


def python_fingerprint() -> dict[str, str]:
    """Python's version and a digest of every installed distribution with its version."""
    installed = sorted({f"{item.metadata['Name']}=={item.version}" for item in distributions()})
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "prefix": sys.prefix,
        "distributions": hashlib.sha256("\n".join(installed).encode()).hexdigest()[:16],
        "distribution_count": str(len(installed)),
    }


def folder_fingerprint(folder: Path) -> dict[str, str]:
    """Path, file count and a digest of names and contents. Raises DataError if unreadable."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise DataError(f"{folder}: found {found}, expected a folder of documents (--docs DIR)")
    digest, count = hashlib.sha256(), 0
    for path in sorted(_files(folder)):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from error
        count += 1
    return {"folder": str(folder.resolve()), "files": str(count), "sha256": digest.hexdigest()[:16]}


def _files(folder: Path) -> Iterator[Path]:
    """Regular files below `folder`; hidden directories (.git, .venv) are left out."""
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path
