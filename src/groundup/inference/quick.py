"""Step times of one engine for a simulation: nominal laws folded into a few plain floats."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from groundup.inference.latency import exchange
from groundup.inference.replica import Engine


@dataclass(frozen=True)
class QuickSteps:
    """`latency.parts` of one engine with its nominal laws, about a microsecond a call."""

    idle: float
    """Seconds of a step whatever is in it."""
    a_token: float
    """Seconds of exchanging a token's activations."""
    a_sequence: float
    """Host seconds of a sequence."""
    a_mixed_step: float
    """Further seconds of a step with prompt tokens."""
    whole: float
    """Seconds of reading the weights that every token passes."""
    routed: float
    """Seconds of reading all routed experts."""
    log_idle: float
    """Log of the share of experts that one token leaves idle."""
    coverage: float
    """Independent choices of experts that a token counts as."""
    multiply: float
    """Seconds of multiplying one token."""
    a_key: float
    """Seconds of reading one cached token of layers that look at all."""
    a_near_key: float
    """The same of layers with a window."""
    window: float
    """Tokens of the window."""
    a_state: float
    """Seconds of reading and writing one sequence's state."""
    attend: float
    """Seconds of a prompt's token for each key."""
    attend_near: float
    """The same of layers with a window."""

    def seconds(
        self, batch: int, cached: float, prefill_tokens: float = 0.0, keys: float = 0.0
    ) -> float:
        """Seconds of one step for `batch` sequences with `cached` tokens in all.

        `keys` is the mean number of tokens that a prompt's token looks at.
        """
        tokens = batch + prefill_tokens
        if tokens <= 0:
            return 0.0
        choices = max(tokens * self.coverage, 1.0)
        read = self.whole + self.routed * (1.0 - math.exp(self.log_idle * choices))
        seconds = self.idle + self.a_token * tokens + self.a_sequence * batch
        seconds += math.hypot(read, self.multiply * tokens)
        if batch:
            near = min(cached, batch * self.window)
            seconds += self.a_key * cached + self.a_near_key * near + self.a_state * batch
        if prefill_tokens:
            near = min(keys, self.window)
            attention = self.attend * keys + self.attend_near * near
            seconds += self.a_mixed_step + prefill_tokens * attention
        return seconds


def quick_steps(engine: Engine) -> QuickSteps:
    """Fold an engine of one layout; draws and rows keep their first element."""
    served, laws, one = engine.served, engine.laws, _first
    ranks, tensor = one(engine.ranks), one(engine.tensor)
    rate = one(laws.weights_share) * one(engine.bandwidth)
    cache_rate = one(laws.cache_share) * one(engine.bandwidth) * ranks
    half = one(laws.product_share) * one(engine.half_peak) * ranks
    small = one(laws.fp8_share) if one(engine.small_products) else 1.0
    copies = max(1.0, tensor / served.cache_heads) * one(engine.cache_bytes)
    share = served.top_k / served.experts if served.experts else 0.0
    return QuickSteps(
        idle=_idle(engine),
        a_token=_a_token(engine),
        a_sequence=one(laws.sequence) / one(engine.data),
        a_mixed_step=one(laws.mixed_layer) * served.layers + one(laws.request),
        whole=(served.matrices * one(engine.weight_bytes) + served.head * 2.0) / tensor / rate,
        routed=served.expert_matrices * one(engine.expert_bytes) / ranks / rate,
        log_idle=math.log1p(-share) if share < 1 else -math.inf,
        coverage=one(laws.coverage),
        multiply=(2.0 * served.active + served.scan_flops)
        / (one(laws.product_share) * small * one(engine.peak) * ranks),
        a_key=max(served.cache_whole * copies / cache_rate, served.decode_key_flops / half),
        a_near_key=served.cache_near * copies / cache_rate,
        window=served.window,
        a_state=2.0 * served.state * copies / cache_rate,
        attend=served.key_flops / half,
        attend_near=served.near_key_flops / half,
    )


def _first(value: object) -> float:
    return float(np.ravel(np.asarray(value, float))[0])


def _idle(engine: Engine) -> float:
    """Launches, and the latency of two collectives a layer."""
    laws, served = engine.laws, engine.served
    launch = _first(laws.step) + _first(laws.layer) * served.layers
    routed = _first(laws.routed_layer) * served.routed_layers
    return launch + routed + _first(exchange(engine, np.zeros(1)))


def _a_token(engine: Engine) -> float:
    """Seconds that one token's activations take in two collectives of every layer."""
    return _first(exchange(engine, np.ones(1))) - _first(exchange(engine, np.zeros(1)))
