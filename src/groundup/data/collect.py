"""collect_documents: from this machine's Python and your folders to documents and passages."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from groundup.data import compiled_docs, folder, licences, naming, python_sources, store, topics
from groundup.data.config import DataConfig
from groundup.data.corpus_report import corpus_report, licence_table
from groundup.data.pool import mapped
from groundup.data.reading import Reading, generated, read
from groundup.data.select_documents import deduplicate, divide
from groundup.data.sources import SourceFile
from groundup.data.store import Progress
from groundup.facts.errors import DataError
from groundup.facts.files import write_json

Metrics = dict[str, float | int | str]


def collect_documents(config: DataConfig, out: Path, progress: Progress = store.quiet) -> Metrics:
    """Write documents.parquet, passages.parquet, licences.json and report.json into `out`.

    Raises DataError where a folder or a package is missing or nothing readable is left.
    """
    started = time.perf_counter()
    files = _files(config)
    readings = _generated() if config.python else []
    for number, result in enumerate(mapped(read, files), 1):
        readings.append(result)
        progress("read files", number, len(files))
    kept, repeats, pairs = deduplicate(readings, config.near_duplicate)
    if not kept:
        raise DataError("nothing readable was found: see data.python, data.packages and data.docs")
    progress("names and split", 0, 3)
    passages = naming.passages(kept)
    progress("names and split", 1, 3)
    documents, checks = divide(kept, pairs, config.held_out)
    splits = {document.doc_id: document.split for document in documents}
    passages = [replace(passage, split=splits[passage.doc_id]) for passage in passages]
    progress("names and split", 2, 3)
    store.write_documents(documents, out)
    store.write_passages(passages, out)
    progress("names and split", 3, 3)
    report = corpus_report(documents, passages, readings, repeats, checks)
    write_json(out / "report.json", report)
    write_json(out / "licences.json", licence_table(documents))
    flat = {k: v for k, v in report.items() if isinstance(v, float | int | str)}
    return {**flat, "seconds": round(time.perf_counter() - started, 2)}


def _files(config: DataConfig) -> list[SourceFile]:
    """What to read, in the order in which duplicates are kept: stdlib, packages, folders."""
    files: list[SourceFile] = []
    if config.python:
        files += python_sources.python_files(config.packages, config.max_mib_per_package)
    for directory in config.docs:
        files += folder.folder_files(directory)
    return list({file.uri: file for file in reversed(files)}.values())[::-1]


def _generated() -> list[Reading]:
    """Documents that no file holds: the compiled modules and the language reference."""
    version = python_sources.python_version()
    made = []
    for name in compiled_docs.compiled_modules():
        module = compiled_docs.load(name)
        if module is None:
            continue
        text, found = compiled_docs.render(module)
        origin = getattr(module, "__file__", None) or ""
        if found:
            file = SourceFile(
                origin, f"pydoc/{name}", "pydoc", "stdlib", version, *licences.STDLIB, name
            )
            made.append(generated(file, text, found, name))
    for name, text in topics.topics().items():
        file = SourceFile(
            topics.topics_path(),
            f"pydoc-topic/{name}",
            "topic",
            "stdlib",
            version,
            *licences.STDLIB,
        )
        made.append(generated(file, text, topics.topic_passages(name, text), name))
    return made
