"""Claim: BM25 of middleware/bm25.py builds and searches at least as fast as bm25s.

Both get the same plain tokens of this Python's own standard library and must give the same
scores. Queries are the first lines of passages. bm25s runs in its own environment and takes the
backend (numpy or numba) that is faster here. A search gives the ten best of one question at a
time, as a server does; what numba brings the peer, and its search in batches, stand beside it.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
import sysconfig
import tempfile
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from _common import Options, Result, agree, compare, no_data, print_machine, run, turns
from _common import seconds as timed
from _peer import Peer, peer_python

from groundup.middleware.bm25 import Bm25, best, build_from_terms

WORD = re.compile(r"\w+")
BUILD = "BM25 index build against bm25s"
ONE = "BM25 search, one question at a time, against bm25s"
NUMPY = "BM25 search, one question at a time, against bm25s without numba"
CLAIMS = (BUILD, ONE, NUMPY)


def passages(limit: int) -> list[str]:
    """Docstrings of the standard library's definitions, or their source where there is none."""
    found: list[str] = []
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        if {"site-packages", "test", "tests", "idlelib"} & set(path.relative_to(root).parts):
            continue
        found.extend(_texts(path))
        if len(found) >= limit:
            break
    return found[:limit]


def _texts(path: Path) -> Iterator[str]:
    try:
        source = path.read_text(encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in other people's strings
            tree = ast.parse(source)
    except (SyntaxError, UnicodeDecodeError):  # files that are templates or test encodings
        return
    lines = source.splitlines()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            text = ast.get_docstring(node) or "\n".join(lines[node.lineno - 1 : node.end_lineno])
            if WORD.search(text):
                yield text


def tokens(text: str) -> list[str]:
    return WORD.findall(text.lower())


def questions(texts: list[str], count: int) -> list[list[str]]:
    """Up to ten different words of the first line of every n-th passage."""
    chosen = texts[:: max(1, len(texts) // count)][:count]
    found = [tokens(text.strip().splitlines()[0]) for text in chosen]
    return [list(dict.fromkeys(words))[:10] for words in found if words]


def check(index: Bm25, queries: list[list[str]], peer: Peer, folder: Path) -> None:
    """All scores, and the ten best, are the peer's."""
    peer.ask("scores")
    theirs, their_best = np.load(folder / "scores.npy"), np.load(folder / "best.npy")
    ours = np.stack([index.score(query) for query in queries])
    agree("largest difference of a score", float(np.abs(ours - theirs).max()), 1e-4)
    our_best = np.zeros_like(their_best)
    for row, query in enumerate(queries):
        hits = [score for _, score in best(index.score(query), 10)]
        our_best[row, : len(hits)] = hits
    agree("largest difference of a best score", float(np.abs(our_best - their_best).max()), 1e-4)


def alternate(peer: Peer, chosen: Options, folder: Path) -> list[Result]:
    """Build and search, ours and theirs in turns, after the scores were compared."""
    texts = passages(chosen.pick(20_000, 5_000, 300))
    documents = [tokens(text) for text in texts]
    queries = questions(texts, chosen.pick(300, 200, 20))
    (folder / "documents.json").write_text(json.dumps(documents), "utf-8")
    (folder / "queries.json").write_text(json.dumps(queries), "utf-8")
    words = sum(map(len, documents))
    print(f"{len(documents)} passages of {words} tokens, {len(queries)} queries")
    peer.ask("read", str(folder))
    fastest = peer.ask("prepare", chosen.size != "smoke")  # numba compiles for seconds
    print(f"backends of bm25s that are faster here: {fastest}")
    index = build_from_terms(documents)
    check(index, queries, peer, folder)

    def search() -> None:
        for query in queries:
            best(index.score(query), 10)

    ask = partial(partial, peer.ask, "time")
    values = turns(
        {
            "build": partial(timed, partial(build_from_terms, documents)),
            "their build": ask("build"),
            "one": partial(timed, search),
            "their one": ask("one"),
            "numpy one": ask("one", "numpy"),
            "their batch": ask("batch"),
        },
        chosen,
    )
    each = {name: [value / len(queries) * 1e6 for value in row] for name, row in values.items()}
    batch = statistics.median(each["their batch"])
    print(f"beside it: all queries in one call, which ours has not, bm25s: {batch:.1f} us/query")
    return [
        compare(BUILD, "s", values["build"], values["their build"]),
        compare(ONE, "us/query", each["one"], each["their one"]),
        compare(NUMPY, "us/query", each["one"], each["numpy one"]),
    ]


def measure(chosen: Options) -> list[Result]:
    """Start the peer and measure, or say that there is none."""
    install = chosen.size != "smoke"
    python = peer_python("bm25s", "bm25s", install, chosen.pick(600, 20, 0))
    if python is None:
        print_machine(["groundup", "numpy"])
        return [no_data(claim, "s", "bm25s is not installed") for claim in CLAIMS]
    with Peer(python, "_bm25s_half.py") as peer, tempfile.TemporaryDirectory() as folder:
        print_machine(["groundup", "numpy"], f"peer: {peer.ask('versions')}")
        return alternate(peer, chosen, Path(folder))


if __name__ == "__main__":
    run(__doc__, measure)
