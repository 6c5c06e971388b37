"""The size that costs least to train and to serve, at a loss that is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Array
from groundup.models.scaling import FITS, TRAIN_FLOPS, LossLaw, loss_law

SERVE_FLOPS = 2.0
"""FLOPs of a forward pass for each parameter and token (Kaplan et al. 2020, eq. 2.2)."""
_HALVINGS = 60


@dataclass(frozen=True)
class Lifetime:
    """A model over its life: trained once, served for so many tokens."""

    parameters: Array
    """Size that costs least."""
    tokens: Array
    """Tokens it is trained on."""
    training: Array
    """FLOP of training."""
    serving: Array
    """FLOP of serving."""
    plain_parameters: Array
    """Size that costs least to train alone."""
    plain_total: Array
    """FLOP of training and serving that one."""

    @property
    def total(self) -> Array:
        """FLOP of training and serving."""
        return np.asarray(self.training + self.serving)

    @property
    def saved(self) -> Array:
        """Share of the plain optimum's FLOPs that is saved."""
        return np.asarray(1.0 - self.total / self.plain_total)


def cheapest_life(
    fit: str,
    loss: Array | float,
    served: Array | float,
    facts: Catalogue,
    samples: int = 0,
    price: float = 1.0,
) -> Lifetime:
    """Minimum of 6 N D + 2 N T at a loss (Sardana et al. 2024, arXiv:2401.00448, eq. 3).

    `served` is T, tokens over the life; `price` what a FLOP of serving costs against one of
    training (utilisation, hardware): 1 counts FLOPs. Raises NoDataError where the loss is at or
    below the law's floor.
    """
    law = loss_law(fit, facts, samples)
    wanted, asked = np.atleast_1d(np.asarray(loss, float)), np.asarray(served, float)
    if bool(np.any(wanted <= law.floor[..., :1])):
        raise NoDataError(f"{FITS[fit]} reaches no loss below {float(law.floor[..., 0].max()):.3f}")
    plain = law.best_parameters(law.least_compute(wanted))
    parameters = _least(law, wanted, asked * price, plain)
    tokens = law.tokens_for(wanted, parameters)
    return Lifetime(
        parameters=parameters,
        tokens=tokens,
        training=np.asarray(TRAIN_FLOPS * parameters * tokens),
        serving=np.asarray(SERVE_FLOPS * parameters * asked),
        plain_parameters=plain,
        plain_total=np.asarray(law.least_compute(wanted) + SERVE_FLOPS * plain * asked),
    )


def _least(law: LossLaw, loss: Array, served: Array, plain: Array) -> Array:
    """Zero of the cost's slope in N between the smallest size that reaches the loss and `plain`.

    With D(N) on the curve of equal loss, u = A/N^alpha and v = B/D^beta, the slope is
    6 D (1 - alpha u / (beta v)) + 2 T: below zero near the smallest size, above it at `plain`.
    """
    low = (law.a / (loss - law.floor)) ** (1.0 / law.alpha)
    low, high = np.broadcast_arrays(np.log(low), np.log(plain + 0.0 * served))
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        n = np.exp(middle)
        d = law.tokens_for(loss, n)
        u, v = law.a / n**law.alpha, np.maximum(law.b / d**law.beta, 1e-300)
        with np.errstate(invalid="ignore", over="ignore"):
            slope = TRAIN_FLOPS * (1.0 - law.alpha * u / (law.beta * v)) + SERVE_FLOPS * served / d
        falling = ~(slope > 0)
        low, high = np.where(falling, middle, low), np.where(falling, high, middle)
    return np.asarray(np.exp(high))
