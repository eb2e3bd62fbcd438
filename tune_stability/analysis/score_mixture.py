"""Limits of the mean and standard deviation of scores that are a mixture of failed and successful trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MomentLimits:
    """Lower and upper limit of the mean and of the standard deviation, in the scores' unit."""

    mean: tuple[float, float]
    std: tuple[float, float]


def moment_limits(
    scores: Array, success: Array, failed_score: float, rng: np.random.Generator, level: float, n_draws: int
) -> MomentLimits:
    """Generalized fiducial limits (Hannig 2009) for scores of independent seeds, at least two and one success.

    `scores` and `success` (1 or 0): shape `(n_seeds,)`. `failed_score` stands for a failed trial where none is
    seen, which bounds what the trials not seen may do.

    Scores of one configuration have two humps, at the majority class and well above it, and their moments depend
    above all on the share that failed, which the outcomes tell. So three things are drawn: that share (Jeffreys' beta
    distribution), the variance within the humps (chi-squared, pooled, with the degrees of freedom that the kurtosis
    of the residuals shows: Box 1953), and the mean of each hump. The moments of the mixture follow from them.
    A bootstrap cannot do this: at a failure rate of 4 % a third of studies with 25 seeds show no failure, and then no
    resample does.
    """
    won = success == 1
    n, n_failed = len(scores), int((~won).sum())
    n_won = n - n_failed
    high_mean = float(scores[won].mean())
    low_mean = float(scores[~won].mean()) if n_failed else failed_score
    residuals = scores - np.where(won, high_mean, low_mean)
    # Rounding must not pass for spread: constant scores have none.
    residuals[np.abs(residuals) < 1e-12 * np.abs(scores).max()] = 0.0
    freedom = n - 1 - (n_failed > 0)
    within = _pooled_variance(residuals, freedom, rng, n_draws)
    low = low_mean + np.sqrt(within * _error(residuals, ~won)) * rng.standard_normal(n_draws)
    high = high_mean + np.sqrt(within * _error(residuals, won)) * rng.standard_normal(n_draws)
    share = rng.beta(n_failed + 0.5, n_won + 0.5, n_draws)
    mean, gap = high + share * (low - high), (high - low) ** 2

    # The variance of the mixture is largest if half fail. Draws beyond that half count as larger still, so that
    # quantiles keep their level near it; limits are cut off at what is possible.
    beyond = share < 0.5 if 2 * n_failed >= n else share > 0.5
    variance = within + gap * (0.25 - np.where(beyond, -1, 1) * (share - 0.5) ** 2)
    tail = 0.5 - level / 2
    means = np.quantile(mean, (tail, 1 - tail))
    variances = np.quantile(variance, (tail, 1 - tail))
    variances[1] = min(variances[1], float(np.quantile(within + gap / 4, 1 - tail)))
    if not n_failed:
        # Perhaps no trial ever fails. Then one side cannot miss, and the other may have both tails.
        variances[0] = np.quantile(within, 2 * tail)
        means[0 if low_mean > high_mean else 1] = np.quantile(high, 2 * tail if low_mean > high_mean else 1 - 2 * tail)
    deviations = np.sqrt(variances)
    return MomentLimits((float(means[0]), float(means[1])), (float(deviations[0]), float(deviations[1])))


def _error(residuals: Array, hump: NDArray[np.bool_]) -> float:
    """The variance of a hump's mean, in units of the pooled variance; a hump wider than that keeps its own."""
    n, pooled = int(hump.sum()), float((residuals**2).mean())
    if n < 2 or pooled == 0:
        return 1 / n if n else 0.0
    return max(float(residuals[hump].var(ddof=1)) / pooled, 1.0) / n


def _pooled_variance(residuals: Array, freedom: int, rng: np.random.Generator, n_draws: int) -> Array:
    """Draws of the variance within the humps, shape `(n_draws,)`."""
    squares = residuals**2
    if freedom < 1 or not squares.any():
        return np.zeros(n_draws)
    kurtosis = float((squares**2).mean() / squares.mean() ** 2)
    own = min(float(freedom), max(2 * freedom / max(kurtosis - 1, 0.1), 1.0))
    return np.asarray(squares.sum() / freedom * own / rng.chisquare(own, n_draws))
