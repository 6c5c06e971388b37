"""Circulating numbers about serving, each held against what follows from facts."""

from __future__ import annotations

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.claims import Claim
from groundup.facts.estimate import Estimate, derived, given
from groundup.inference.capacity import most_sequences
from groundup.inference.formats import FORMATS, format_of
from groundup.inference.latency import decode_seconds, engine_of
from groundup.inference.speculation import expected_tokens, ideal_gain
from groundup.models.published import published

_BIG = 70e9
_CHIP = "h100-sxm"


def claims(facts: Catalogue) -> tuple[Claim, ...]:
    """Every checked number of the layer, in the order of the table of claims."""
    return (
        *_bytes_and_speed(facts), _speculation(facts), _utilisation(facts), _first_token(facts),
        _conversations(facts), _long_context(facts), _public_service(facts),
    )  # fmt: skip


def _parameters() -> Estimate:
    return given(_BIG, "parameter", "parameters of a 70B model", "the claim")


def _held(kind: str) -> Estimate:
    """Bytes of the model's elements in a format, scales left out."""
    each = given(format_of(kind).element / 8.0, "B/parameter", f"{kind} element", "the format")
    return (_parameters() * each).to("GB").named(f"inference.bytes_of_70b.{kind}", "70e9 x bytes")


def _speed(kind: str, facts: Catalogue) -> Estimate:
    """Tokens a second of one sequence if reading the weights were all that a step does."""
    bandwidth = facts.estimate(f"chips.{_CHIP}.bandwidth")
    one = given(1.0, "token", "one token", "a step makes one token")
    chip = given(1.0, "accelerator", "one accelerator", "the claim")
    rate = (bandwidth * chip * one / _held(kind)).to("token/s")
    return rate.named(f"inference.speed_of_70b.{kind}", "bandwidth / bytes of the weights")


def _bytes_and_speed(facts: Catalogue) -> tuple[Claim, ...]:
    small, wide, narrow = _held("int4"), _speed("bf16", facts), _speed("int4", facts)
    scales = FORMATS["int4"].bytes_each * _BIG / 1e9
    laws = float(np.ravel(1.0 / decode_seconds(
        engine_of(published("Llama-3.1-70B"), _CHIP, facts, tensor=2), 1.0, 500.0))[0])  # fmt: skip
    return (
        Claim("S117", "a 70B model takes 280, 140, 70 or 35 GB in fp32, bf16, fp8 or int4",
              35, 35, small, "ok",
              f"4, 2, 1 and half a byte a weight; with scales int4 is {scales:.1f} "
              "GB"),
        Claim("S118", "70B in bf16 on an H100 decodes about 24 tokens a second", 24, 24, wide,
              "ambiguous",
              "3.35 TB/s over 140 GB; but one H100 holds 80 GB: it takes two, which reach "
              f"{laws:.0f} tokens a second with launches and an achievable bandwidth"),
        Claim("S119", "in int4 about 96 tokens a second", 96, 96, narrow, "ok",
              "3.35 TB/s over 35 GB, an upper bound: scales, caches and launches are left out"),
    )  # fmt: skip


def _speculation(facts: Catalogue) -> Claim:
    accepted = facts.estimate("inference.acceptance.small_model")
    guesses = facts.estimate("inference.reference.guesses")
    cost = facts.estimate("inference.draft_cost.small_model")
    gain = derived(
        ideal_gain(accepted.samples, guesses.samples, cost.samples), "1",
        "inference.gain_of_guessing", "(1 - a^(g+1)) / ((1 - a)(g c + 1))",
        (accepted, guesses, cost), "Leviathan et al., arXiv:2211.17192, theorem 3.8",
    )  # fmt: skip
    tokens = float(expected_tokens(accepted.value, guesses.value))
    return Claim(
        "S121", "with 70 % of guesses accepted decoding is 2 to 3 times as fast", 2, 3, gain, "ok",
        f"4 guesses give {tokens:.2f} tokens a step; only while a step reads memory: at large "
        "batches checking costs what it saves",
    )  # fmt: skip


def _utilisation(facts: Catalogue) -> Claim:
    flop = given(2.0, "FLOP/(parameter*token)", "FLOPs of a weight", "one multiply-add")
    peak = facts.estimate(f"chips.{_CHIP}.peak.bf16.dense")
    chip = given(1.0, "accelerator", "one accelerator", "the claim")
    share = (flop * _parameters() * _speed("bf16", facts) / (peak * chip)).to("1")
    found = share.named("inference.utilisation_at_batch_1", "2 N x tokens/s / peak")
    return Claim(
        "S122", "serving in production uses 30 to 60 % of the peak", 0.3, 0.6, found, "ambiguous",
        "true of reading prompts and of large batches; decoding one sequence uses 0.3 %, because "
        "every weight is read for two FLOPs",
    )  # fmt: skip


def _first_token(facts: Catalogue) -> Claim:
    flop = given(2.0, "FLOP/(parameter*token)", "FLOPs of a weight", "one multiply-add")
    peak = facts.estimate(f"chips.{_CHIP}.peak.bf16.dense")
    share = facts.estimate("inference.reference.prefill_share")
    prompt = facts.estimate("inference.reference.prompt")
    chip = given(1.0, "accelerator", "one accelerator", "the claim")
    found = (flop * _parameters() * prompt / (peak * chip * share)).to("s")
    return Claim(
        "S124", "users expect a first token within 500 ms and the next within 50 ms", None, None,
        found.named("inference.first_token_of_70b", "2 N S / (peak x share)"), "derived",
        "a 70B model reads 2 000 tokens in over half a second on one H100: 500 ms takes two of "
        "them or shorter prompts; 50 ms a token takes 140 GB over 2.8 TB/s",
    )  # fmt: skip


def _conversations(facts: Catalogue) -> Claim:
    def term(side: str) -> Estimate:
        tokens = facts.estimate(f"inference.reference.conversation_{side}")
        return tokens * facts.estimate(f"inference.reference.price_{side}")

    one = given(1.0, "conversation", "one conversation", "the claim is for a million")
    found = ((term("in") + term("out")) * one).to("USD")
    return Claim(
        "S125", "a million conversations a month cost 50 000 to 500 000 USD", 0.05, 0.5,
        found.named("inference.usd_per_conversation", "tokens in x price + tokens out x price"),
        "ok", "0.05 to 0.5 USD each: some thousand tokens in and out at list prices of 2024",
    )  # fmt: skip


def _long_context(facts: Catalogue) -> Claim:
    model = published("Llama-3.1-405B")
    engine = engine_of(model, _CHIP, facts, tensor=8, weight_format="fp8")
    memory = facts.estimate(f"chips.{_CHIP}.memory")
    share = facts.estimate("inference.memory_share")
    window = given(float(model.context), "token/sequence", "window", model.source)
    count = np.atleast_1d(most_sequences(engine, window.samples))
    found = derived(
        count, "sequence", "inference.sequences_of_128k", "floor((memory - weights) / cache)",
        (memory, share, window), "groundup.inference.capacity",
    )  # fmt: skip
    return Claim(
        "S126", "at 128K tokens the cache, not the speed, limits how many a 405B model serves",
        None, None, found, "derived",
        "8 H100 hold the fp8 weights and two caches of 68 GB; with short contexts hundreds fit",
    )  # fmt: skip


def _public_service(facts: Catalogue) -> Claim:
    rent = facts.estimate("inference.service.rent") * facts.estimate("inference.service.server")
    rate = facts.estimate("inference.service.output_rate")
    token = given(1.0, "token", "one token", "the rate counts tokens")
    found = (rent / (rate * token)).to("USD/Mtoken")
    spent = facts.estimate("inference.service.cost").to("USD/day")
    day = given(1.0, "day", "one day", "the publication")
    written = facts.estimate("inference.service.output_tokens")
    every = (spent * day / written).to("USD/Mtoken").value
    return Claim(
        "S127", "a node of DeepSeek's service reads 73 700 and writes 14 800 tokens a second",
        None, None,
        found.named("inference.usd_per_mtok_of_a_decoding_node", "rent / tokens a second"),
        "derived",
        f"decoding alone; all nodes of the day over its answers give {every:.2f} USD",
    )  # fmt: skip
