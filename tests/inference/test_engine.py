"""The engine against transformers: greedy tokens, log-likelihoods; stops, threads, cancelling."""

import threading

import pytest
import torch
from transformers import LlamaForCausalLM

from groundup.facts.errors import ServeError
from groundup.frameworks.device import Device
from groundup.inference.engine import Engine

CPU = Device("cpu", "float32", 1)


@pytest.fixture(scope="module")
def engine(model_dir):
    return Engine(model_dir, CPU)


def tokens(pieces):
    return [piece.token for piece in pieces if piece.token >= 0]


def test_greedy_equals_transformers(engine, model_dir):
    theirs = LlamaForCausalLM.from_pretrained(model_dir).eval()
    for seed in range(5):
        prompt = torch.randint(7, 400, (1, 9), generator=torch.Generator().manual_seed(seed))
        expected = theirs.generate(prompt, max_new_tokens=30, do_sample=False)[0, 9:].tolist()
        pieces = list(engine.generate(prompt[0].tolist(), 30))
        assert tokens(pieces) == expected
        assert pieces[-1].finish in ("stop", "length")


def test_scores_equal_transformers_one_by_one(engine, model_dir):
    theirs = LlamaForCausalLM.from_pretrained(model_dir).eval()
    generator = torch.Generator().manual_seed(0)
    prompt = torch.randint(7, 400, (11,), generator=generator).tolist()
    lengths = [1, 5, 20, 3, 0]
    options = [torch.randint(7, 400, (n,), generator=generator).tolist() for n in lengths]
    scores = engine.score(prompt, options, batch=3)
    for option, score in zip(options, scores, strict=True):
        with torch.no_grad():
            logits = theirs(torch.tensor([prompt + option])).logits[0, 10:-1]
        expected = logits.log_softmax(-1)[range(len(option)), option].sum()
        assert score.logprob == pytest.approx(float(expected), abs=1e-3)
        assert score.tokens == len(option) == len(score.token_logprobs)


def test_greedy_output_scores_as_greedy(engine):
    prompt = [0, 50, 60]
    answer = tokens(engine.generate(prompt, 12))
    other = [answer[0], (answer[1] + 1) % 400]
    first, second = engine.score(prompt, [answer, other])
    assert first.greedy
    assert not second.greedy
    pieces = list(engine.generate(prompt, 12))
    assert first.logprob == pytest.approx(sum(p.logprob for p in pieces), abs=1e-3)


def test_long_prompts_lose_their_beginning_when_scored(engine):
    long = [9] * 200
    assert engine.score(long, [[11, 12]])[0].tokens == 2
    with pytest.raises(ServeError, match="at most 64"):
        engine.score(long, [[11] * 65])
    with pytest.raises(ServeError, match="prompt is empty"):
        engine.score([], [[11]])


def test_same_seed_same_text_other_seed_other_text(engine):
    def run(seed):
        return tokens(engine.generate([0, 40], 25, temperature=1.5, top_p=0.95, seed=seed))

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_stop_strings_cut_the_text(engine):
    texts = ((i, engine.complete([0, 41, i], 30)) for i in range(7, 400))
    start, whole = next((i, text) for i, text in texts if len(text) > 10)
    stop = whole[5:8]
    pieces = list(engine.generate([0, 41, start], 30, stop=[stop]))
    assert pieces[-1].finish == "stop"
    assert "".join(p.text for p in pieces) == whole[: whole.index(stop)]


def test_context_and_empty_prompts(engine):
    assert list(engine.generate([5] * 60, 50))[-1].finish == "length"
    assert len(tokens(engine.generate([5] * 60, 50))) <= 4
    with pytest.raises(ServeError, match="leaves no room"):
        next(engine.generate([5] * 64, 5))
    with pytest.raises(ServeError, match="prompt is empty"):
        next(engine.generate([], 5))


def test_cancel_ends_a_generation(engine):
    cancel = threading.Event()
    pieces = []
    for piece in engine.generate([0, 43], 60, cancel=cancel):
        pieces.append(piece)
        if len(pieces) == 4:
            cancel.set()
    assert pieces[-1].finish == "cancelled"
    assert len(tokens(pieces)) == 4


def test_threads_do_not_disturb_each_other(engine):
    prompts = [[0, 20 + i, 30 + i] for i in range(6)]
    alone = [engine.complete(prompt, 20) for prompt in prompts]
    together = [""] * 6

    def work(i):
        together[i] = engine.complete(prompts[i], 20)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_text_round_trip_and_chat_prompt(engine):
    text = "def größe(x): return x<|end|>"
    assert engine.decode(engine.encode(text)) == text
    assert 6 not in engine.encode(text)
    ids = engine.encode_messages([{"role": "user", "content": "list"}])
    assert ids[0] == 0
    assert ids[1] == 3
    assert ids[-2:] == [6, 4]
