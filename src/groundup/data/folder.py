"""`--docs DIR`: the files of a person's own folder that can be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from groundup.data import licences
from groundup.data.document import UNKNOWN_LICENCE
from groundup.data.python_sources import module_name
from groundup.data.sources import SourceFile
from groundup.facts.errors import DataError

KINDS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".txt": "text",
    ".text": "text",
    ".rst": "text",
    ".adoc": "text",
    ".org": "text",
    ".tex": "text",
    ".pdf": "pdf",
    ".py": "python-source",
}
_SKIPPED = {"__pycache__", "node_modules"}


def folder_files(folder: str) -> list[SourceFile]:
    """Readable files below a folder (hidden ones left out), sorted; raises DataError."""
    root = Path(folder).expanduser()
    if not root.exists():
        raise DataError(f"--docs {folder}: no such folder; give one that exists")
    if not root.is_dir():
        raise DataError(f"--docs {folder}: is a file; give the folder that holds it")
    root = root.resolve()
    licence = _folder_licence(root)
    found = []
    for path in sorted(_walk(root)):
        kind = KINDS.get(path.suffix.lower())
        if kind is None:
            continue
        inner = path.relative_to(root).as_posix()
        module, package = module_name(inner) if kind == "python-source" else ("", False)
        if kind == "python-source" and not module:
            module = path.stem
        found.append(
            SourceFile(
                str(path),
                f"{root.name}/{inner}",
                kind,
                f"folder:{root.name}",
                "",
                *licence,
                module,
                package,
                trusted=True,
            )
        )
    if not found:
        known = ", ".join(sorted(KINDS))
        raise DataError(
            f"--docs {folder}: nothing to read in it; known are files ending in {known}"
        )
    return found


def _walk(root: Path) -> Iterator[Path]:
    for directory, folders, files in os.walk(root, onerror=_unlistable):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _SKIPPED)
        for name in files:
            path = Path(directory) / name
            if not name.startswith(".") and path.is_file():
                yield path


def _unlistable(error: OSError) -> None:
    raise DataError(
        f"--docs: cannot list {error.filename}: {error.strerror}; check its permissions"
    )


def _folder_licence(root: Path) -> tuple[str, str]:
    """What a licence file at the top of the folder says."""
    for path in sorted(root.iterdir()):
        if path.is_file() and licences.is_licence_file(path.name):
            try:
                identifier = licences.licence_of_text(path.read_text("utf-8", "replace"))
            except OSError:
                continue
            if identifier != UNKNOWN_LICENCE:
                return identifier, f"text of {path.name}"
    return UNKNOWN_LICENCE, "your own folder; no licence file at its top says otherwise"
