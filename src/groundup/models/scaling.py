"""Scaling laws by name: loss, best size and tokens for a compute, how far a fit is stretched.

Two kinds: a loss law E + A/N^alpha + B/D^beta answers everything; a power law of the optimum gives
N* and D* only. Losses of different fits are nats a token of different tokenizers and texts. All
arrays broadcast with draws on their last axis; C = 6 N D throughout (Kaplan et al. 2020, eq. 2.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Array

LOSS_FITS = {
    "epoch": "Epoch re-fit",
    "chinchilla": "Chinchilla approach 3",
    "chinchilla_unrounded": "Chinchilla approach 3, unrounded",
    "muennighoff": "Muennighoff on C4",
}
"""Fits of L = E + A/N^alpha + B/D^beta; `models.fit.<name>.*` in the catalogue."""
OPTIMUM_FITS = {
    "kaplan": "Kaplan 2020",
    "chinchilla_1": "Chinchilla approach 1",
    "chinchilla_2": "Chinchilla approach 2",
    "llama3": "Llama 3",
    "deepseek": "DeepSeek LLM",
}
"""Fits of the optimum alone; `models.optimum.<name>.*`."""
FITS = {**LOSS_FITS, **OPTIMUM_FITS}
"""Every named fit and its title."""
TRAIN_FLOPS = 6.0
"""FLOPs of training for each parameter and token: 2 forward, 4 backward (Kaplan, eq. 2.2)."""


@dataclass(frozen=True)
class LossLaw:
    """Constants of one loss law, draws on the last axis."""

    name: str
    """Key of `LOSS_FITS`."""
    floor: Array
    """E: loss of an endless model on endless text, nats a token."""
    a: Array
    """A: how much too few parameters cost."""
    b: Array
    """B: how much too few tokens cost."""
    alpha: Array
    """Exponent of the parameters."""
    beta: Array
    """Exponent of the tokens."""

    def loss(self, parameters: Array, tokens: Array) -> Array:
        """Nats a token."""
        return np.asarray(self.floor + self.a / parameters**self.alpha + self.b / tokens**self.beta)

    def best_parameters(self, compute: Array) -> Array:
        """N* at a compute in FLOP: (alpha A / beta B)^(1/(alpha+beta)) (C/6)^(beta/(alpha+beta))
        (Hoffmann et al. 2022, eq. 4)."""
        both = self.alpha + self.beta
        ratio = (self.alpha * self.a / (self.beta * self.b)) ** (1.0 / both)
        return np.asarray(ratio * (compute / TRAIN_FLOPS) ** (self.beta / both))

    def least_compute(self, loss: Array) -> Array:
        """FLOP of the cheapest training to a loss: the inverse of the loss at the optimum.

        Infinite where the loss is at or below the law's floor.
        """
        both, above = self.alpha + self.beta, np.asarray(loss - self.floor)
        at_one = self.loss(self.best_parameters(np.asarray(1.0)), self._tokens_of_one())
        exponent = both / (self.alpha * self.beta)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = ((at_one - self.floor) / above) ** exponent
        return np.asarray(np.where(above > 0, found, np.inf))

    def _tokens_of_one(self) -> Array:
        return np.asarray(1.0 / TRAIN_FLOPS / self.best_parameters(np.asarray(1.0)))

    def tokens_for(self, loss: Array, parameters: Array) -> Array:
        """Tokens that bring a model of that size to a loss; infinite where none do."""
        left = np.asarray(loss - self.floor - self.a / parameters**self.alpha)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (self.b / left) ** (1.0 / self.beta)
        return np.asarray(np.where(left > 0, found, np.inf))


@dataclass(frozen=True)
class Optimum:
    """What a fit says about a compute."""

    fit: str
    """Key of `FITS`."""
    compute: Array
    """FLOP of training."""
    parameters: Array
    """Best size."""
    tokens: Array
    """Tokens it is trained on."""
    loss: Array | None
    """Nats a token; None where the fit has no loss."""
    stretched: Array
    """Orders of magnitude of compute beyond the largest (or below the smallest) that was fitted."""

    @property
    def tokens_per_parameter(self) -> Array:
        """D*/N*."""
        return np.asarray(self.tokens / self.parameters)

    @property
    def title(self) -> str:
        """The fit's name and how far it is stretched."""
        far = float(np.max(self.stretched))
        return FITS[self.fit] + (f", {far:.1f} decades outside its runs" if far > 0 else "")


def loss_law(fit: str, facts: Catalogue, samples: int = 0) -> LossLaw:
    """Constants of a fit; NoDataError for a fit without a loss.

    A draw of alpha takes A with it so that A/N^alpha stays put at the middle of the fitted models
    (beta and B likewise): the published errors of the two are one error.
    """
    if fit not in LOSS_FITS:
        raise NoDataError(f"no loss law `{fit}`; there are {', '.join(LOSS_FITS)}")

    def get(name: str) -> Array:
        return facts.estimate(f"models.fit.{fit}.{name}", samples).samples

    alpha, beta = get("alpha"), get("beta")
    middle_n = facts[f"models.fit.{fit}.middle_parameters"].value
    middle_d = facts[f"models.fit.{fit}.middle_tokens"].value
    a = get("A") * middle_n ** (alpha - alpha[..., :1])
    b = get("B") * middle_d ** (beta - beta[..., :1])
    return LossLaw(fit, get("E"), a, b, alpha, beta)


def kaplan_loss(parameters: Array, tokens: Array, facts: Catalogue) -> Array:
    """Kaplan's L(N, D), nats a token; N without embeddings (arXiv:2001.08361, eq. 1.5)."""
    size, text = (facts[f"models.kaplan.{name}"].value for name in ("parameters", "tokens"))
    by_size = facts["models.kaplan.alpha_parameters"].value
    by_text = facts["models.kaplan.alpha_tokens"].value
    inner = (size / parameters) ** (by_size / by_text) + text / tokens
    return np.asarray(inner**by_text)


def optimum(fit: str, compute: Array | float, facts: Catalogue, samples: int = 0) -> Optimum:
    """Best parameters and tokens for a compute in FLOP by one named fit.

    Shape (..., 1) of computes gives (..., 1 + samples). Outside of the computes that were fitted
    the draws of the exponents widen the answer, and `Optimum.stretched` and `.title` say so.
    Raises NoDataError for an unknown fit, and where the model would be smaller than any fitted.
    """
    given = np.atleast_1d(np.asarray(compute, float))
    stretched = _stretched(_key(fit), given, facts)
    if fit in LOSS_FITS:
        law = loss_law(fit, facts, samples)
        parameters = law.best_parameters(given)
        _not_too_small(fit, parameters, facts)
        tokens = given / TRAIN_FLOPS / parameters
        return Optimum(fit, given, parameters, tokens, law.loss(parameters, tokens), stretched)
    parameters = _power(fit, given, facts, samples)
    tokens = given / TRAIN_FLOPS / parameters
    return Optimum(fit, given, parameters, tokens, None, stretched)


def off_optimum(
    fit: str, compute: Array | float, times: Array | float, facts: Catalogue, samples: int = 0
) -> tuple[Array, Array]:
    """What `times` the optimal tokens per parameter costs at the same compute.

    Returns the loss above the optimum's, nats a token, and the compute over what the optimum
    needs for that loss (1 at times = 1): over-training as a share of FLOPs.
    """
    law = loss_law(fit, facts, samples)
    given = np.atleast_1d(np.asarray(compute, float))
    best = optimum(fit, given, facts, samples)
    parameters = best.parameters / np.sqrt(times)
    reached = law.loss(parameters, given / TRAIN_FLOPS / parameters)
    least = law.loss(best.parameters, best.tokens)
    return np.asarray(reached - least), np.asarray(given / law.least_compute(reached))


def _key(fit: str) -> str:
    if fit not in FITS:
        raise NoDataError(f"no scaling law `{fit}`; there are {', '.join(FITS)}")
    return f"models.{'fit' if fit in LOSS_FITS else 'optimum'}.{fit}"


def _stretched(key: str, compute: Array, facts: Catalogue) -> Array:
    least, most = (facts[f"{key}.{end}_compute"].value for end in ("least", "most"))
    return np.asarray(np.maximum(np.log10(np.maximum(compute / most, least / compute)), 0.0))


def _not_too_small(fit: str, parameters: Array, facts: Catalogue) -> None:
    smallest = facts[f"models.fit.{fit}.smallest"].value
    if float(parameters[..., 0].min()) < smallest:
        raise NoDataError(
            f"{FITS[fit]} was fitted to models of {smallest:g} parameters and more; "
            f"here the best has {float(parameters[..., 0].min()):.3g}"
        )


def _power(fit: str, compute: Array, facts: Catalogue, samples: int) -> Array:
    """N* of a power law; its exponent's draws turn around the middle of the fitted computes."""
    key = _key(fit)
    exponent = facts.estimate(f"{key}.exponent", samples).samples
    anchor = facts[f"{key}.compute"].value
    middle = math.sqrt(facts[f"{key}.least_compute"].value * facts[f"{key}.most_compute"].value)
    nominal = exponent[..., :1]
    shape = (compute / anchor) ** nominal * (compute / middle) ** (exponent - nominal)
    if f"{key}.parameters" in facts:
        return np.asarray(facts[f"{key}.parameters"].value * shape)
    return np.asarray(compute / TRAIN_FLOPS / (facts[f"{key}.tokens"].value * shape))
