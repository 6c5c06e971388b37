"""Token shards: two flat uint16 files, an Arrow index of documents and a JSON manifest."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer

from groundup.data.document import HELD_OUT, TRAIN, Document
from groundup.data.split import fraction
from groundup.data.store import Progress, iterate_documents, quiet
from groundup.data.tokenizer import END, as_text, digest, load_tokenizer
from groundup.facts.errors import DataError
from groundup.facts.files import replacing, write_json

SPLITS = (TRAIN, HELD_OUT)
BATCH_CHARACTERS = 4_000_000  # of text encoded at once
BLOCK_CHARACTERS = 96_000_000  # of text held in memory at once
_INDEX = pa.schema(
    [
        ("doc_id", pa.string()),
        ("start", pa.int64()),
        ("length", pa.int64()),
        ("split", pa.string()),
        ("bytes", pa.int64()),
    ]
)
Metrics = dict[str, float | int | str]
Tokens = NDArray[np.uint16]


def write_shards(
    documents: Path, tokenizer: Path, out: Path, progress: Progress = quiet
) -> Metrics:
    """Encode the documents; write train.bin, held-out.bin, index.arrow and shards.json.

    Tokens are uint16 little-endian; each document ends in <|endoftext|>. Documents stand in the
    order of their hash, so any stretch of a file is a fair sample of the corpus. `bytes` counts
    UTF-8 bytes of text, what bits per byte must be divided by. Raises DataError.
    """
    started = time.perf_counter()
    coder = as_text(load_tokenizer(tokenizer))
    if coder.get_vocab_size() > 2**16:
        raise DataError(f"{tokenizer}: {coder.get_vocab_size()} tokens do not fit 16 bits")
    order = sorted(
        (fraction(document.doc_id), document.doc_id, len(document.text))
        for document in iterate_documents(documents)
    )
    rows: list[dict[str, Any]] = []
    with (
        replacing(out / "train.bin") as train,
        replacing(out / "held-out.bin") as held_out,
        train.open("wb") as train_file,
        held_out.open("wb") as held_out_file,
    ):
        files: dict[str, BinaryIO] = {TRAIN: train_file, HELD_OUT: held_out_file}
        done, total = 0, sum(size for _, _, size in order)
        for batch in _batches(documents, order):
            _append(batch, coder, files, rows)
            done += sum(len(document.text) for document in batch)
            progress("write token shards", done, total)
    _write_index(rows, out / "index.arrow")
    manifest = _manifest(rows, digest(tokenizer))
    write_json(out / "shards.json", manifest)
    flat = {f"{k}_{side}": v for side in files for k, v in manifest["splits"][side].items()}
    return {**flat, "seconds": round(time.perf_counter() - started, 2)}


def _batches(documents: Path, order: Sequence[tuple[float, str, int]]) -> Iterator[list[Document]]:
    """Documents in the given order, some MB at a time; the files are read once a block."""
    for block in _blocks(order, BLOCK_CHARACTERS):
        place = {doc_id: number for number, (_, doc_id, _) in enumerate(block)}
        found = [d for d in iterate_documents(documents) if d.doc_id in place]
        found.sort(key=lambda document: place[document.doc_id])
        sized = [(0.0, document.doc_id, len(document.text)) for document in found]
        position = 0
        for part in _blocks(sized, BATCH_CHARACTERS):
            yield found[position : position + len(part)]
            position += len(part)


def _blocks(
    order: Sequence[tuple[float, str, int]], limit: int
) -> Iterator[list[tuple[float, str, int]]]:
    """Runs of entries whose sizes add up to at most `limit` (a larger entry is alone)."""
    block: list[tuple[float, str, int]] = []
    total = 0
    for entry in order:
        if block and total + entry[2] > limit:
            yield block
            block, total = [], 0
        block.append(entry)
        total += entry[2]
    if block:
        yield block


def _append(
    batch: list[Document], coder: Tokenizer, files: dict[str, BinaryIO], rows: list[dict[str, Any]]
) -> None:
    """Encode a batch, write its tokens and note where each document stands."""
    encoded = coder.encode_batch([d.text for d in batch], add_special_tokens=False)
    for document, encoding in zip(batch, encoded, strict=True):
        tokens = np.asarray([*encoding.ids, END], dtype="<u2")
        file = files[document.split]
        rows.append(
            {
                "doc_id": document.doc_id,
                "start": file.tell() // 2,
                "length": len(tokens),
                "split": document.split,
                "bytes": len(document.text.encode()),
            }
        )
        file.write(tokens.tobytes())


def _write_index(rows: list[dict[str, Any]], path: Path) -> None:
    table = pa.Table.from_pylist(rows, schema=_INDEX)
    with (
        replacing(path) as temporary,
        pa.OSFile(str(temporary), "wb") as file,
        pa.ipc.new_file(file, _INDEX) as writer,
    ):
        writer.write_table(table)


def _manifest(rows: list[dict[str, Any]], tokenizer_digest: str) -> dict[str, Any]:
    splits = {}
    for side in SPLITS:
        own = [row for row in rows if row["split"] == side]
        splits[side] = {
            "documents": len(own),
            "tokens": sum(row["length"] for row in own),
            "bytes": sum(row["bytes"] for row in own),
        }
    return {"dtype": "<u2", "end": END, "tokenizer": tokenizer_digest, "splits": splits}


def read_shard(directory: Path, split: str) -> Tokens:
    """Tokens of one split, memory-mapped, (tokens,) uint16; raises DataError."""
    path = directory / f"{split}.bin"
    if not path.is_file():
        raise DataError(f"{path}: no such file; write the shards first")
    if path.stat().st_size == 0:
        return np.zeros(0, dtype="<u2")
    return np.memmap(path, dtype="<u2", mode="r")


def read_index(directory: Path) -> list[dict[str, Any]]:
    """Rows doc_id, start, length, split, bytes of `index.arrow`; raises DataError."""
    path = directory / "index.arrow"
    if not path.is_file():
        raise DataError(f"{path}: no such file; write the shards first")
    with pa.memory_map(str(path)) as file:
        rows: list[dict[str, Any]] = pa.ipc.open_file(file).read_all().to_pylist()
    return rows


def read_manifest(directory: Path) -> dict[str, Any]:
    """shards.json: dtype, end token, tokenizer digest and counts a split; raises DataError."""
    path = directory / "shards.json"
    if not path.is_file():
        raise DataError(f"{path}: no such file; write the shards first")
    manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return manifest
