"""Laplace's approximation to the posterior of a Gaussian process given counts of successes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

Array = NDArray[np.float64]

_STEPS = 100
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Posterior:
    """The posterior at `n` places with data, in Rasmussen and Williams' (2006) terms, section 3.4.

    `latent`: the mode of the logit. `slope`: the gradient of the log likelihood there. `root`: the square root of its
    negative second derivative, W. `factor`: the lower Cholesky factor of `I + W^(1/2) K W^(1/2)`. Each `(n,)`, the
    factor `(n, n)`.
    """

    latent: Array
    slope: Array
    root: Array
    factor: Array

    def mean(self, cross: Array) -> Array:
        """The logit's mean at other places (equation 3.21). `cross`: their kernel with the data, `(n, n_other)`."""
        return cross.T @ self.slope

    def explained(self, cross: Array) -> Array:
        """The root `r`, shape `(n, n_other)`, of the covariance that data take away, `r.T @ r` (equation 3.24)."""
        explained: Array = linalg.solve_triangular(self.factor, self.root[:, None] * cross, lower=True)
        return explained


def laplace(kernel: Array, wins: Array, counts: Array) -> Posterior:
    """The posterior of the logit by Newton's method (Rasmussen and Williams 2006, algorithm 3.1).

    `kernel`: shape `(n, n)`, the prior's covariance. `wins` and `counts`: shape `(n,)`, successes and trials at each
    place. The likelihood is binomial; one row per trial gives the same posterior at the cube of their number.
    """
    latent, objective = np.zeros(len(wins)), -np.inf
    for _ in range(_STEPS):
        p = special.expit(latent)
        root = np.sqrt(counts * p * (1 - p))
        factor = linalg.cholesky(np.eye(len(wins)) + root[:, None] * kernel * root, lower=True)
        target = root**2 * latent + wins - counts * p
        weights = target - root * linalg.cho_solve((factor, True), root * (kernel @ target))
        latent = kernel @ weights
        # The log likelihood, as log(1 + exp) without overflow, and the prior's share.
        value = float(wins @ latent - counts @ np.logaddexp(0.0, latent) - 0.5 * weights @ latent)
        if value - objective < _TOLERANCE:
            break
        objective = value
    p = special.expit(latent)
    root = np.sqrt(counts * p * (1 - p))
    factor = linalg.cholesky(np.eye(len(wins)) + root[:, None] * kernel * root, lower=True)
    return Posterior(latent, wins - counts * p, root, factor)
