"""Scores by configuration and seed whose components of variance are known, as `run.py` describes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import owens_t
from scipy.stats import norm

Array = NDArray[np.float64]
Draw = Callable[[int, int, np.random.Generator], Array]

EFFECTS = np.array([0.3, 0.2, 0.1, 0.4])
LOPSIDED_EFFECTS = np.array([0.9, 0.05, 0.0, 0.05])
GENERALIZATION = 0.02**2 * np.array([0.2, 0.5, 0.0, 0.3])
FAILED, SUCCEEDED = 0.5, 0.8


def kinds(n_configs: int) -> dict[str, tuple[Draw, Array]]:
    """By name: how scores of shape `(n_configs, n_seeds, n_seeds, n_seeds)` are drawn, and their true components."""
    known: dict[str, tuple[Draw, Array]] = {
        "normal": (lambda n, k, rng: normal(n, k, EFFECTS, rng), EFFECTS),
        "even": (lambda n, k, rng: binary(n, k, EFFECTS, 0.5, rng), binary_truth(EFFECTS, 0.5)),
        "rare": (lambda n, k, rng: binary(n, k, EFFECTS, 0.1, rng), binary_truth(EFFECTS, 0.1)),
        "lopsided": (lambda n, k, rng: binary(n, k, LOPSIDED_EFFECTS, 0.5, rng), binary_truth(LOPSIDED_EFFECTS, 0.5)),
    }
    if n_configs == 1:
        return known
    # The mean square of a log-normal factor exp(z / 2 - 1 / 4) is 1.
    known["spread"] = (
        lambda n, k, rng: normal(n, k, EFFECTS, rng) * np.exp(rng.normal(-0.25, 0.5, (n, 1, 1, 1))),
        EFFECTS,
    )
    known["mixed"] = (mixed, mixed_truth())
    return known


def normal(n: int, k: int, variances: Array, rng: np.random.Generator) -> Array:
    """Sums of normal effects of three seeds and a residual, with these variances."""
    shapes = ((n, k, 1, 1), (n, 1, k, 1), (n, 1, 1, k), (n, k, k, k))
    parts = [np.sqrt(v) * rng.standard_normal(shape) for v, shape in zip(variances, shapes, strict=True)]
    return np.asarray(sum(parts))


def binary(n: int, k: int, variances: Array, rate: float, rng: np.random.Generator) -> Array:
    """1 where the sum of effects, whose variance is 1, is among the lowest `rate`, else 0."""
    return (normal(n, k, variances, rng) < norm.ppf(rate)).astype(float)


def mixed(n: int, k: int, rng: np.random.Generator) -> Array:
    """Scores of configurations of which some always fail, some never, and some in half of the trials."""
    threshold = rng.choice([-np.inf, np.inf, 0.0], p=[0.4, 0.4, 0.2], size=(n, 1, 1, 1))
    succeeded = normal(n, k, EFFECTS, rng) < threshold
    return np.where(succeeded, SUCCEEDED + normal(n, k, GENERALIZATION, rng), FAILED)


def both(variances: Array, rate: float) -> Array:
    """The probability that two trials are both 1 that share one seed alone, for each of the three (Owen 1956)."""
    place = norm.ppf(rate)
    correlation = variances[:3]
    return np.asarray(rate - 2 * owens_t(place, np.sqrt((1 - correlation) / (1 + correlation))))


def binary_truth(variances: Array, rate: float) -> Array:
    """A factor's component is the covariance of two trials that share its seed alone; the rest is what is left."""
    factors = both(variances, rate) - rate**2
    return np.append(factors, rate * (1 - rate) - factors.sum())


def mixed_truth() -> Array:
    """As `binary_truth`, for failed and successful scores, and as the mean over the three kinds of configuration."""
    gain = SUCCEEDED - FAILED
    shared = GENERALIZATION[:3]
    factors = both(EFFECTS, 0.5) * (gain**2 + shared) - (0.5 * gain) ** 2
    total = 0.5 * (gain**2 + GENERALIZATION.sum()) - (0.5 * gain) ** 2
    even = np.append(factors, total - factors.sum())
    return np.asarray(0.4 * GENERALIZATION + 0.2 * even)
