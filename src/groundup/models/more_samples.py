"""Compute at inference instead of training: many samples of a small model against a larger one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import ConfigError
from groundup.facts.estimate import Array
from groundup.models.serving_aware import SERVE_FLOPS


@dataclass(frozen=True)
class Coverage:
    """Share of problems that any of k samples solves: exp(a k^-b), a below 0.

    An exponentiated power law (Brown et al. 2024, arXiv:2407.21787, section 3.1). It counts a
    problem as solved when any sample is right: there must be a test that finds it.
    """

    log_single: float
    """a: logarithm of the share that one sample solves."""
    exponent: float
    """b, above 0."""

    def share(self, samples: Array | float) -> Array:
        """Share solved with so many samples."""
        return np.asarray(np.exp(self.log_single * np.asarray(samples, float) ** -self.exponent))

    def samples(self, share: Array | float) -> Array:
        """Samples for a share; 1 where one already does."""
        wanted = np.log(np.asarray(share, float))
        return np.asarray(np.maximum((self.log_single / wanted) ** (1.0 / self.exponent), 1.0))


def coverage_through(single: float, many: float, count: float) -> Coverage:
    """The law through two measured points; ConfigError unless 0 < single < many < 1 < count."""
    if not (0 < single < many < 1 < count):
        raise ConfigError(
            f"coverage {single} at 1 and {many} at {count}: must rise between 0 and 1"
        )
    return Coverage(
        float(np.log(single)), float(np.log(np.log(single) / np.log(many)) / np.log(count))
    )


def published_coverage(facts: Catalogue) -> Coverage:
    """DeepSeek-Coder-V2-Instruct on SWE-bench Lite, 1 and 250 samples."""
    names = ("single", "many", "count")
    return coverage_through(*(facts[f"models.samples.{name}"].value for name in names))


def matched_samples(times: Array | float, train_tokens: Array, served_tokens: Array) -> Array:
    """Samples that a small model may draw for the FLOPs of one `times` as large.

    M + 3 (D/T)(M - 1): the larger one's extra training of 6 (M - 1) N D goes into samples of
    2 N T (Snell et al. 2024, arXiv:2408.03314, section 7). T is tokens served over the life.
    """
    larger = np.asarray(times, float)
    return np.asarray(larger + 3.0 * (train_tokens / served_tokens) * (larger - 1.0))


def break_even_tokens(
    times: Array | float, samples: Array | float, train_tokens: Array | float
) -> Array:
    """Tokens served up to which `samples` of the small model cost less than one of the larger.

    6 (M - 1) N D = 2 N T (k - M); infinite where k samples cost no more than the larger's one.
    """
    larger, drawn = np.asarray(times, float), np.asarray(samples, float)
    more = drawn - larger
    with np.errstate(divide="ignore"):
        tokens = 6.0 / SERVE_FLOPS * (larger - 1.0) * np.asarray(train_tokens, float) / more
    return np.asarray(np.where(more > 0, tokens, np.inf))
