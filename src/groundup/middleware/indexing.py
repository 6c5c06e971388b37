"""Builds the index that the retriever opens, and tunes fusion on training questions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from groundup.data.document import TRAIN
from groundup.data.split import is_validation
from groundup.data.store import Progress, iterate_documents, read_jsonl
from groundup.facts.errors import DataError
from groundup.middleware import bm25, vectors
from groundup.middleware.calibration import calibrate_assistant
from groundup.middleware.fusion import tune_weight
from groundup.middleware.importance import importance
from groundup.middleware.judge import Judge
from groundup.middleware.library import Library, write_library
from groundup.middleware.metrics import reciprocal_rank
from groundup.middleware.policy import Policy
from groundup.middleware.retrieval import RetrievalConfig, Retriever
from groundup.middleware.symbols import reference_counts, reference_priors

TUNING_QUESTIONS = 600
NAMING = frozenset({"signature", "returns", "raises", "what"})
"""Kinds of pairs that name their answer: symbols find it, whatever the ranking."""
LEAST_GAIN = 0.005
"""Plain BM25 gives way only to a ranking whose MRR on validation pairs is higher by this."""


def build_index(
    documents: Path,
    encoder: Path | None,
    tokenizer: Path | None,
    out: Path,
    progress: Progress,
    questions: Path | None = None,
    judge: Judge | None = None,
) -> dict[str, float | int | str]:
    """Write a whole index into `out`: library, keyword index, priors, vectors, tuned settings.

    `documents` holds documents.parquet and passages.parquet; `questions` (pairs.jsonl and
    questions.jsonl) tunes fusion and abstention, on training rows only. Goes on from what a
    killed run has finished. Without an encoder the index is BM25 only.
    """
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    library = _library(documents, out, progress)
    if not (out / "bm25.npz").is_file():
        keyword_index(library, progress).save(out)
    if not (out / "priors.npy").is_file():
        np.save(out / "priors.npy", _priors(documents, library, progress))
    if not (out / "importance.npy").is_file():
        np.save(out / "importance.npy", importance(library, np.load(out / "priors.npy")))
    seconds_keyword = time.monotonic() - began
    if encoder is not None and tokenizer is not None:
        _vectors(library, encoder, tokenizer, out, progress)
    RetrievalConfig().save(out)
    Policy().save(out)
    config = tune(questions, out, encoder, tokenizer, progress)
    config.save(out)
    calibration: dict[str, float | int | str] = {"calibrated": 0}
    if questions is not None and (questions / "questions.jsonl").is_file():
        retriever = Retriever.open(out, encoder, tokenizer)
        calibration = calibrate_assistant(questions, out, retriever, progress, judge)
    return {
        "passages": len(library),
        "keyword_seconds": round(seconds_keyword, 2),
        "seconds": round(time.monotonic() - began, 2),
        "retriever": config.mode,
        "encoder_weight": config.encoder_weight,
        **calibration,
        "bytes": sum(file.stat().st_size for file in out.iterdir()),
    }


def _library(documents: Path, out: Path, progress: Progress) -> Library:
    progress("index documents", 0, 1)
    if not (out / "library.done").is_file():
        write_library(documents, out)
        (out / "library.done").touch()
    library = Library(out)
    if not len(library):
        raise DataError(f"{documents}/passages.parquet has no passages; collect documents first")
    progress("index documents", 1, 1)
    return library


def keyword_index(library: Library, progress: Progress) -> bm25.Bm25:
    """BM25F over names (aliases too), signatures, summaries and texts of all passages."""
    progress("index keywords", 0, 1)
    names = [
        " ".join((name, *(aliases or ())))
        for name, aliases in zip(library.names, library.column("aliases"), strict=True)
    ]
    fields = {name: library.column(name) for name in ("signature", "summary", "text")}
    built = bm25.build({"name": names, **fields})
    progress("index keywords", 1, 1)
    return built


def _priors(documents: Path, library: Library, progress: Progress) -> np.ndarray:
    progress("count references", 0, 1)
    sources = (d.text for d in iterate_documents(documents) if d.kind == "python-source")
    counts = reference_counts(sources)
    progress("count references", 1, 1)
    return reference_priors(library.names, counts)


def _vectors(
    library: Library, encoder: Path, tokenizer: Path, out: Path, progress: Progress
) -> None:
    """Encode unless the vectors are there; the marker comes last, so half a file is done again."""
    if (out / "vectors.done").is_file():
        return
    from groundup.recipes.text_encoder import TextEncoder, passage_text

    columns = [library.column(name) for name in ("name", "summary", "text")]
    texts = [passage_text(*row) for row in zip(*columns, strict=True)]
    vectors.write_vectors(texts, TextEncoder.open(encoder, tokenizer).encode_normal, out, progress)
    (out / "vectors.done").touch()


def tune(
    questions: Path | None,
    index: Path,
    encoder: Path | None,
    tokenizer: Path | None,
    progress: Progress,
) -> RetrievalConfig:
    """The ranking behind `auto`, chosen on validation pairs that do not name their answer.

    BM25 where there is no encoder, no pairs, or no gain.
    """
    if encoder is None or questions is None or not (questions / "pairs.jsonl").is_file():
        return RetrievalConfig()
    retriever = Retriever.open(index, encoder, tokenizer)
    pairs = tuning_pairs(read_jsonl(questions / "pairs.jsonl"), retriever)
    if not pairs:
        return RetrievalConfig()
    return _best_config(retriever, pairs, progress)


def tuning_pairs(
    pairs: Sequence[dict[str, str]], retriever: Retriever, seed: int = 0
) -> list[tuple[str, str]]:
    """(query, passage id) of a random share of the pairs that the encoder was not trained on."""
    usable = [
        (pair["query"], pair["passage_id"])
        for pair in pairs
        if pair["split"] == TRAIN
        and pair["kind"] not in NAMING
        and pair["passage_id"] in retriever.library.row_of
        and is_validation(pair["passage_id"])
    ]
    order = np.random.default_rng(seed).permutation(len(usable))[:TUNING_QUESTIONS]
    return [usable[number] for number in order]


def _best_config(
    retriever: Retriever, pairs: Sequence[tuple[str, str]], progress: Progress
) -> RetrievalConfig:
    from groundup.middleware.terms import query_terms

    keyword = [retriever.keyword.score(query_terms(query)) for query, _ in pairs]
    cosine = retriever.cosines([query for query, _ in pairs])
    ids = retriever.library.column("passage_id")

    def quality(config: RetrievalConfig) -> float:
        retriever.config = config
        ranks = []
        for number, (_, wanted) in enumerate(pairs):
            found = retriever.fuse(keyword[number], cosine[number], 20, config.mode)
            ranks.append(reciprocal_rank([ids[row] for row in found.rows], {wanted}))
        progress("tune fusion", config.encoder_weight, 1.0)
        return float(np.mean(ranks))

    weight, fused = tune_weight(lambda value: quality(RetrievalConfig("fusion", value)))
    plain = quality(RetrievalConfig("fusion", 0.0))
    reciprocal = quality(RetrievalConfig("rrf", 0.5))
    if max(fused, reciprocal) < plain + LEAST_GAIN:
        return RetrievalConfig()
    return RetrievalConfig("fusion", weight) if fused >= reciprocal else RetrievalConfig("rrf", 0.5)
