"""Floor 9 in the plan: tokens to train on against the text there is, its bytes and their price."""

from __future__ import annotations

from groundup.data.config import DataConfig
from groundup.data.stock import exhaustion, worth_of_repeats
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, given, maximum
from groundup.facts.layer import Ask, LayerPlan

SMALL_VOCABULARY = 65_536
"""Largest vocabulary whose tokens are stored in two bytes; larger ones take four."""


def demand(config: DataConfig, ask: Ask, facts: Catalogue, samples: int = 0) -> Ask:
    """Bytes of the token shards: two or four a token, by the vocabulary."""
    width = 2.0 if ask["vocabulary"].value <= SMALL_VOCABULARY else 4.0
    each = given(
        width, "B/token", "data.bytes_per_stored_token", "uint16 up to 65,536 entries, else uint32"
    )
    return ask.with_(shard_bytes=(ask["train_tokens"] * each).named("data.shard_bytes"))


def limit(
    config: DataConfig,
    ask: Ask,
    facts: Catalogue,
    samples: int = 0,
    *,
    months: Estimate,
    corpus_tokens: Estimate | None = None,
) -> LayerPlan:
    """Tokens needed against tokens there are.

    `corpus_tokens` is what this stack's own documents hold (unique tokens, repeated for as many
    epochs as help); without it the limit is the world's stock of public text, which counts
    repetition already. `months` is how long the data is kept. Details say how many fresh tokens the
    repeats are worth, or in which year the largest training sets take all of the stock.
    """
    needs = ask["train_tokens"]
    epochs = facts.estimate("data.useful_epochs", samples)
    if corpus_tokens is not None:
        there = (corpus_tokens * epochs).named(
            "data.useful_tokens", "unique tokens x useful epochs"
        )
        binds = "collected documents, repeated"
    else:
        there = facts.estimate("data.stock", samples)
        binds = "world stock of public text"
    details = _details(ask, facts, samples)
    if corpus_tokens is not None:
        details["epochs"] = (needs / corpus_tokens).named("data.epochs")
        details["worth_of_repeats"] = worth_of_repeats(corpus_tokens, details["epochs"], facts)
    else:
        details["share_of_stock"] = (needs / there).to("1").named("data.share_of_stock")
        details["exhausted"] = exhaustion(facts, samples, latest=True)
    price = facts.estimate("data.storage_price", samples)
    kept = details["shard_bytes"] + details["text_bytes"]
    stored = kept * price * maximum(months, given(1.0, "month", "one month", "billing unit"))
    cost = stored.to("USD").named("data.cost", "(shards + text) x price x months")
    return LayerPlan(9, "data", needs, there, binds, cost=cost, details=details)


def _details(ask: Ask, facts: Catalogue, samples: int) -> dict[str, Estimate]:
    text = (ask["train_tokens"] * facts.estimate("data.bytes_per_token", samples)).to("TB")
    raw = text / facts.estimate("data.kept_share", samples)
    return {
        "text_bytes": text.named("data.text_bytes"),
        "raw_bytes": raw.named("data.raw_bytes", "text / share kept by cleaning and deduplication"),
        "shard_bytes": ask["shard_bytes"].to("TB"),
    }
