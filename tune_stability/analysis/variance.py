"""The variance of scores over seeds, split into initialization, data order, dropout and the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tune_stability.analysis.interval import Interval, check_level
from tune_stability.analysis.mean_squares import component_weights, degrees_of_freedom, mean_squares
from tune_stability.analysis.variance_limits import variance_limits
from tune_stability.errors import UserError

Array = NDArray[np.float64]

SOURCES = ("initialization", "data order", "dropout", "rest")
ENOUGH_CONFIGS = 16
FEW_EFFECTIVE = 2.0
MANY_DROPPED = 0.1


@dataclass(frozen=True)
class Component:
    """One source's part. `variance` is the unbiased estimate, which may be below 0; the intervals take it as 0 then.

    `deviation` is its square root, in the score's units; `share` its part of the sum over all sources, in [0, 1].
    """

    source: str
    variance: float
    deviation: Interval
    share: Interval


@dataclass(frozen=True)
class VarianceSplit:
    """A component for each of `SOURCES`. `dropped` counts the configurations left out because a score is missing."""

    components: tuple[Component, ...]
    n_configs: int
    dropped: int


def variance_split(
    scores: ArrayLike, rng: np.random.Generator, level: float = 0.95, n_draws: int = 4000
) -> VarianceSplit:
    """Split the variance of scores over seeds, taken apart as by Dodge et al. (2020).

    `scores`: shape `(n_configs, n_init, n_data, n_dropout)`, at least two seeds of each kind, in any unit; NaN where
    one is missing. A configuration that lacks one is left out. Every configuration has seeds of its own, so
    effects are nested in configurations, and mean squares are averaged over them.

    The estimates are those of the balanced three-way random-effects model (Searle, Casella and McCulloch 1992, chapter
    4), unbiased whatever the distribution: any function of three independent seeds is a sum of effects
    and interactions that are uncorrelated (Efron and Stein 1981), so a share is a first-order Sobol index. The rest
    holds the interactions, and what no seed governs, such as the order of sums on a GPU. Each interaction is
    estimated, not pooled with the others into a residual: pooled, they leak into the factors, each of which would be
    given a fifth of the variance where all of it lies in the interactions of two (K = 2 seeds of each kind). Apart,
    the standard error of a factor's component rises by 8 % at K = 2 and 1 % at K = 3.

    The numbers are means over configurations. Intervals (`variance_limits`) generalize to new seeds and, from several
    configurations, to the space they were drawn from; configurations count as independent, which for a Sobol
    design is safe. Scores are taken to be missing at random; a diverged trial, which has no score, is not.

    Where it holds (`experiments/variance`): with 16 or 64 configurations, 95 % intervals of shares cover in 92 % of
    studies or more, be scores normal, 0 or 1, or failed ones beside successful ones. Those of deviations cover in 89 %
    or more, and in 87 % where normal scores differ in scale between configurations. Where it does not hold: with 4
    configurations shares cover in as few as 78 % and deviations in 49 %, with one in 68 and 44 %, unless effects are
    normal. Intervals are marked as not trustworthy below 16 configurations, and where nearly all variance comes
    from fewer than two.

    Raises `UserError` for an array of another shape.
    """
    check_level(level)
    values, dropped, missing = _complete(scores)
    levels, n = values.shape[1:], len(values)
    squares, weights = mean_squares(values), component_weights(levels)
    variances = (squares @ weights.T).mean(axis=0) if n else np.full(len(SOURCES), np.nan)
    positive = np.maximum(variances, 0.0)
    shares = positive / positive.sum() if positive.sum() > 0 else np.full(len(SOURCES), np.nan)
    limits = variance_limits(squares, weights, degrees_of_freedom(levels), rng, level, n_draws)
    note = _doubts(values, dropped)

    def interval(estimate: float, limits: Array) -> Interval:
        # A share is cut off before the shares are made to sum to 1, which may put it just outside its limits.
        low, high = float(np.fmin(limits[0], estimate)), float(np.fmax(limits[1], estimate))
        method = "generalized confidence interval, independent configurations"
        found = Interval(float(estimate), low, high, level, n, values.size, missing, method)
        return found.distrusted(note) if note else found

    components = tuple(
        Component(
            source,
            float(variances[k]),
            interval(np.sqrt(positive[k]), np.sqrt(limits.variance[:, k])),
            interval(shares[k], limits.share[:, k]),
        )
        for k, source in enumerate(SOURCES)
    )
    return VarianceSplit(components, n, dropped)


def _complete(scores: ArrayLike) -> tuple[Array, int, int]:
    """The configurations that have every score, how many have not, and how many scores these lack."""
    values = np.asarray(scores, dtype=float)
    if values.ndim != 4 or min(values.shape[1:]) < 2:
        raise UserError(
            "scores must have shape (n_configs, n_init, n_data, n_dropout) with at least 2 seeds of each kind, "
            f"received {values.shape}; run with --seed-scheme factorial and --seeds 2 or more."
        )
    present = np.isfinite(values)
    kept = present.all(axis=(1, 2, 3))
    return values[kept], int((~kept).sum()), int((~present).sum())


def _doubts(values: Array, dropped: int) -> str:
    """Why the intervals should not be believed; nothing if they may be."""
    n = len(values)
    if n == 0:
        return "No configuration has all its scores."
    spread = (values - values[:, :1, :1, :1]).var(axis=(1, 2, 3))
    if not spread.any():
        return "In every configuration all trials have one score, so there is no variance to split."
    doubts = []
    if n < ENOUGH_CONFIGS:
        doubts.append(f"Below {ENOUGH_CONFIGS} configurations, here {n}, the intervals hold for normal effects only.")
    elif spread.sum() ** 2 / (spread**2).sum() < FEW_EFFECTIVE:
        doubts.append("Nearly all the variance comes from one configuration.")
    if dropped > MANY_DROPPED * (n + dropped):
        doubts.append(f"{dropped} of {n + dropped} configurations lack a score, perhaps not at random.")
    return " ".join(doubts)
