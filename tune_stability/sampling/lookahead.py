"""How much more of the success region a study would know after trials at a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tune_stability.analysis.laplace import Posterior
from tune_stability.analysis.polya_gamma import polya_gamma, precision

Array = NDArray[np.float64]

_SURE = 4.0
"""Standard deviations from the boundary at which a side is sure, up to 3e-5."""


@dataclass(frozen=True)
class Latent:
    """The logit of the probability of success, a Gaussian process, given trials at `x`, shape `(n_configs, n_axes)`."""

    kernel: Any
    x: Array
    posterior: Posterior

    @classmethod
    def given(cls, kernel: Any, x: Array, wins: Array, counts: Array) -> Latent:
        """The process under scikit-learn's `kernel`, given `wins` of `counts` trials, each of shape `(n_configs,)`."""
        return cls(kernel, x, polya_gamma(kernel(x), wins, counts))

    def at(self, points: Array) -> tuple[Array, Array, Array]:
        """Mean and variance at `points`, each of shape `(n,)`, and the root of what the trials explain."""
        cross = self.kernel(self.x, points)
        explained = self.posterior.explained(cross)
        # Rounding may take a variance a little under zero.
        variance = np.maximum(self.kernel.diag(points) - (explained**2).sum(axis=0), 1e-9)
        return self.posterior.mean(cross), variance, explained

    def planned(self, points: Array, trials: float) -> Latent:
        """The process after `trials` trials at each of `points` that end as expected: surer, with the same mean."""
        if len(points) == 0:
            return self
        mean, variance, _ = self.at(points)
        x = np.concatenate([self.x, points])
        root = np.concatenate([self.posterior.root, np.sqrt(precision(mean, variance, trials))])
        slope = np.concatenate([self.posterior.slope, np.zeros(len(points))])
        factor = np.linalg.cholesky(np.eye(len(x)) + root[:, None] * self.kernel(x) * root)
        return Latent(self.kernel, x, Posterior(np.concatenate([self.posterior.latent, mean]), slope, root, factor))


def straddle(latent: Latent, candidates: Array) -> Array:
    """How far the 95 % band of the logit reaches across the boundary (Bryan et al. 2005, equation 3). Shape `(n,)`."""
    mean, variance, _ = latent.at(candidates)
    return np.asarray(1.96 * np.sqrt(variance) - np.abs(mean))


def expected_gain(latent: Latent, candidates: Array, reference: Array, trials: float) -> Array:
    """How much `trials` trials at each candidate are expected to take off the region's error.

    `candidates`: shape `(n_candidates, n_axes)`; the result has shape `(n_candidates,)`. The error is the share of the
    space that is on the wrong side of the boundary at probability 1/2; `reference`, `(n_reference, n_axes)`, fills the
    space. This is the global look-ahead of Letham et al. (2022, section 4: GlobalSUR) with a Gaussian likelihood of
    the precision that a trial has there: the logit at a reference and its later mean are jointly normal with
    correlation rho, and P(their signs differ) = 2 T(|mean| / sd, sqrt(1 - rho^2) / rho), where T is Owen's function.
    """
    mean, variance, explained = latent.at(candidates)
    mean_there, variance_there, explained_there = latent.at(reference)
    height = np.abs(mean_there) / np.sqrt(variance_there)
    # Where the side is sure there is next to nothing to gain, and Owen's function takes most of the time.
    near = height < _SURE
    covariance = latent.kernel(candidates, reference[near]) - explained.T @ explained_there[:, near]
    later = covariance**2 / (variance + 1 / precision(mean, variance, trials))[:, None]
    squared_rho = np.clip(later / variance_there[near], 1e-12, 1 - 1e-12)
    after = 2 * special.owens_t(height[near], np.sqrt((1 - squared_rho) / squared_rho))
    return np.asarray((special.ndtr(-height[near]) - after).sum(axis=1) / len(reference))
