"""Training of the bi-encoder: the loss against torch, batches as pure functions, resume, effect."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from groundup.data.document import Passage
from groundup.data.store import quiet, write_jsonl, write_passages
from groundup.facts.errors import ArtifactError, DataError
from groundup.frameworks.device import Device
from groundup.recipes import retriever
from groundup.recipes.retriever import RetrieverPlan, contrastive_loss, train_retriever
from groundup.recipes.retriever_data import batch, load_examples
from groundup.recipes.text_encoder import TextEncoder, normal_form, open_tokenizer, passage_text

THINGS = ["bread", "soup", "cake", "salad", "pasta", "rice", "stew", "pie", "tea", "juice"]
ACTS = {"bake": "heat in the oven", "chill": "make cold", "cut": "divide with a knife"}
PLAN = RetrieverPlan(table_width=32, batch=16, hard=2, learning_rate=0.02)
CPU = Device("cpu", "float32", 1)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty passages; queries say the act in other words than the passages do."""
    root = tmp_path_factory.mktemp("retriever")
    passages, pairs = [], []
    for thing in THINGS:
        for act, words in ACTS.items():
            name = f"kitchen.{act}_{thing}"
            text = f"{act} the {thing}."
            zeros = (0,) * 10
            passages.append(
                Passage(name, "d", "u", "function", name, "", text, text, "", "", *zeros)
            )
            pairs.append({"query": f"{words} {thing}", "passage_id": name})
    for pair in pairs:
        pair |= {"kind": "which", "split": "train"}
    write_passages(passages, root)
    write_jsonl(pairs, root / "pairs.jsonl")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<|endoftext|>", "<|pad|>"])
    texts = [pair["query"] for pair in pairs] + [passage.text for passage in passages]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(root / "tokenizer.json"))
    return root


def test_the_loss_is_torchs_cross_entropy_without_twins() -> None:
    torch.manual_seed(0)
    q, p = torch.randn(3, 4), torch.randn(5, 4)
    rows = torch.tensor([0, 1, 2, 3, 1])  # place 4 holds the answer of query 1 again
    scores = q @ p.T / 0.1
    kept = [torch.cat([scores[i], torch.tensor([])]) for i in range(3)]
    kept[1] = kept[1][:4]
    expected = sum(
        torch.nn.functional.cross_entropy(row[None], torch.tensor([i]))
        for i, row in enumerate(kept)
    )
    assert contrastive_loss(q, p, rows, 0.1) == pytest.approx(float(expected) / 3, rel=1e-5)


def test_a_batch_is_a_function_of_its_step(work: Path) -> None:
    def mine(passages: object, queries: list[str], k: int) -> np.ndarray:
        return np.tile(np.arange(k), (len(queries), 1))

    examples = load_examples(work, work, open_tokenizer(work), mine, 2, quiet)
    first, again = (batch(examples, 3, 8, 0, 0.5) for _ in range(2))
    assert torch.equal(first.queries, again.queries)
    assert torch.equal(first.passages, again.passages)
    other = batch(examples, 4, 8, 0, 0.5)
    assert not torch.equal(first.rows[:8], other.rows[:8])
    assert (examples.hard != examples.positive[:, None]).all()


def test_training_learns_what_words_alone_do_not_say(work: Path, tmp_path: Path) -> None:
    metrics = train_retriever(
        work, work, work, 0.2, 24, CPU, 0, tmp_path / "encoder", quiet, None, PLAN
    )
    assert metrics["steps"] >= 5
    encoder = TextEncoder.open(tmp_path / "encoder", work)
    names = [f"kitchen.{act}_{thing}" for thing in THINGS for act in ACTS]
    texts = [passage_text(n, n, n.rpartition(".")[2].replace("_", " the ")) for n in names]
    queries = [f"{words} {thing}" for thing in THINGS for words in ACTS.values()]
    found = (encoder.encode(queries) @ encoder.encode_normal(texts).T).argmax(axis=1)
    assert (found == np.arange(len(names))).mean() > 0.8
    again = train_retriever(work, work, work, 9.0, 24, CPU, 0, tmp_path / "encoder", quiet)
    assert again == metrics


def test_a_killed_run_goes_on_to_the_same_weights(work: Path, tmp_path: Path) -> None:
    def run(out: Path, stop_at: int | None) -> None:
        def progress(label: str, done: float, total: float) -> None:
            if stop_at is not None and label.startswith("train") and done >= stop_at * PLAN.batch:
                raise KeyboardInterrupt

        out.mkdir(exist_ok=True)
        if not (out / "plan.json").is_file():
            plan = {**PLAN.__dict__, "steps": 12, "seconds": 60.0}
            (out / "plan.json").write_text(json.dumps(plan), "utf-8")
        train_retriever(work, work, work, 0.1, 24, CPU, 0, out, progress, None, PLAN)

    run(tmp_path / "whole", None)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", 5)
    run(tmp_path / "killed", None)
    whole, killed = (
        TextEncoder.open(tmp_path / name, work).model.state_dict() for name in ("whole", "killed")
    )
    for name, tensor in whole.items():
        assert torch.equal(tensor, killed[name]), name


def test_nothing_to_learn_from_is_an_error(work: Path, tmp_path: Path) -> None:
    write_jsonl([], tmp_path / "pairs.jsonl")
    with pytest.raises(DataError, match="0 training pairs"):
        load_examples(work, tmp_path, open_tokenizer(work), None, 0, quiet)
    with pytest.raises(ArtifactError, match="no such file"):
        open_tokenizer(tmp_path)


def test_normal_form() -> None:
    assert normal_form("JSONDecoder.raw_decode(s)!") == " json decoder raw decode s"
    assert retriever.MOST_EPOCHS > 1
