"""Tokenizer and shards: every byte comes back, counts add up, special tokens stay special."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from groundup.data import shards
from groundup.data.document import Document, document_id
from groundup.data.store import read_documents, write_documents
from groundup.data.tokenizer import (
    END,
    MAX_TOKEN_LENGTH,
    SPECIAL_TOKENS,
    as_text,
    load_tokenizer,
    train_tokenizer,
)
from groundup.facts.errors import DataError

TEXTS = [
    'def f(x):\n    """Return x, twice."""\n    return x + x\n',
    "Ein Täst mit Umläuten, 中文字符, العربية, emoji 🎉 and numbers 1234567.\r\n\ttabs\n",
    "<|endoftext|> and <|user|> are only text here\n",
    "x" * 100 + "\n\n\n   trailing   \n",
]


def document(text, number, split="train"):
    uri = f"d/{number}"
    made = document_id(uri, text)
    return Document(made, uri, "", 1, "text", uri, text, "folder:d", "", "MIT", "test", split)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpus")
    made = [document(text * 3, n) for n, text in enumerate(TEXTS)]
    made += [replace(document(text, 10 + n), split="held-out") for n, text in enumerate(TEXTS)]
    write_documents(made, root)
    train_tokenizer(root, 400, root / "tokenizer")
    return root


def test_special_tokens_and_size(corpus):
    tokenizer = load_tokenizer(corpus / "tokenizer")
    assert [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS] == list(range(7))
    assert 263 <= tokenizer.get_vocab_size() <= 400
    report = json.loads((corpus / "tokenizer" / "report.json").read_text())
    assert report["round_trip"] == 1.0
    assert report["measured_on"] == "held-out"
    assert report["by_kind"]["text"]["documents"] == len(TEXTS)


def test_tokens_are_not_long(corpus):
    vocabulary = load_tokenizer(corpus / "tokenizer").get_vocab()
    longest = max(len(token) for token in vocabulary if token not in SPECIAL_TOKENS)
    assert longest <= MAX_TOKEN_LENGTH


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=100))
def test_any_text_comes_back(corpus, text):
    tokenizer = as_text(load_tokenizer(corpus / "tokenizer"))
    text = text.encode("utf-8", "replace").decode()
    ids = tokenizer.encode(text + SPECIAL_TOKENS[0], add_special_tokens=False).ids
    assert END not in ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text + SPECIAL_TOKENS[0]


def test_shards_hold_exactly_the_documents(corpus, tmp_path):
    seen = []
    metrics = shards.write_shards(
        corpus, corpus / "tokenizer", tmp_path, lambda *args: seen.append(args)
    )
    tokenizer = Tokenizer.from_file(str(corpus / "tokenizer" / "tokenizer.json"))
    documents = {d.doc_id: d for d in read_documents(corpus)}
    index = shards.read_index(tmp_path)
    assert {row["doc_id"] for row in index} == documents.keys()
    for split in shards.SPLITS:
        tokens = shards.read_shard(tmp_path, split)
        rows = [row for row in index if row["split"] == split]
        assert sum(row["length"] for row in rows) == len(tokens) == metrics[f"tokens_{split}"]
        assert int((tokens == END).sum()) == len(rows)
        for row in rows:
            own = tokens[row["start"] : row["start"] + row["length"]]
            text = tokenizer.decode(own[:-1].tolist(), skip_special_tokens=False)
            assert text == documents[row["doc_id"]].text
            assert own[-1] == END
            assert row["bytes"] == len(text.encode())
            assert documents[row["doc_id"]].split == split
    manifest = shards.read_manifest(tmp_path)
    total = sum(len(d.text.encode()) for d in documents.values())
    assert sum(part["bytes"] for part in manifest["splits"].values()) == total
    assert seen[-1][1] == seen[-1][2]
    assert not list(tmp_path.glob(".*.part"))


def test_an_interrupt_leaves_no_half_file(corpus, tmp_path):
    def stop(label, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shards.write_shards(corpus, corpus / "tokenizer", tmp_path, stop)
    assert list(tmp_path.iterdir()) == []


def test_small_blocks_give_the_same_shards(corpus, tmp_path, monkeypatch):
    shards.write_shards(corpus, corpus / "tokenizer", tmp_path / "one")
    monkeypatch.setattr(shards, "BLOCK_CHARACTERS", 300)
    monkeypatch.setattr(shards, "BATCH_CHARACTERS", 100)
    shards.write_shards(corpus, corpus / "tokenizer", tmp_path / "two")
    for name in ("train.bin", "held-out.bin", "index.arrow", "shards.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_missing_inputs_are_named(tmp_path):
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        shards.write_shards(tmp_path, tmp_path, tmp_path)
    with pytest.raises(DataError, match=r"documents\.parquet"):
        train_tokenizer(tmp_path, 400, tmp_path)
    with pytest.raises(DataError, match=r"train\.bin"):
        shards.read_shard(tmp_path, "train")


def test_shard_is_little_endian_uint16(corpus, tmp_path):
    shards.write_shards(corpus, corpus / "tokenizer", tmp_path)
    raw = np.fromfile(tmp_path / "train.bin", dtype="<u2")
    assert raw.tolist() == shards.read_shard(tmp_path, "train").tolist()
