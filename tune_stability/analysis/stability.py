"""Stability at a point: how the scores of one configuration spread over seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tune_stability.analysis.binomial import blaker
from tune_stability.analysis.interval import Interval, missing_note
from tune_stability.analysis.score_mixture import moment_limits
from tune_stability.errors import UserError

Array = NDArray[np.float64]

FEW_SEEDS = 5
_FEWEST_FOR_MEDIAN, _FEWEST_TO_INTERPOLATE = 6, 8


@dataclass(frozen=True)
class Stability:
    """The columns of Table 1 of Mosbach et al. (2020), over the seeds of one configuration.

    `std` has n - 1 in its denominator, and is NaN, with a note, for fewer than two scores. `max` has no interval: the
    largest of some seeds says nothing about how high another may go. `n` counts completed trials, `failed` those that
    did not succeed, `missing` the trials without a result. `failure_rate` is the probability that a seed fails.
    """

    std: Interval
    mean: Interval
    median: Interval
    max: float
    failure_rate: Interval
    failed: int
    n: int
    missing: int
    note: str = ""


def stability(
    scores: ArrayLike,
    success: ArrayLike,
    rng: np.random.Generator,
    *,
    majority: float | None = None,
    level: float = 0.95,
    n_draws: int = 4000,
) -> Stability:
    """Stability over seeds of scores in the metric's own units.

    `scores` and `success`: shape `(n_seeds,)`. `success` is 1, 0 or NaN (missing, its score is then not used).
    `majority`: the score of the majority class, which stands for a failed trial where none is seen. A failed trial
    without a score (it diverged) counts as failed and is left out of the moments; the note says so.

    Intervals generalize to new seeds of this configuration. Mean and standard deviation: `score_mixture`. Median: order
    statistics with binomial level, interpolated between two (Hettmansperger and Sheather 1986). Failure
    rate: `binomial.blaker`. On ten kinds of scores 95 % intervals cover as `experiments/coverage/points.py` tells.

    Raises `UserError` for arrays of different shape, a success that is not 1, 0 or NaN, or a majority that is no score.
    """
    points, wins = _checked(scores, success, majority)
    completed = ~np.isnan(wins)
    scored = completed & np.isfinite(points)
    # Sorted, so that the same trials in another order give the same interval.
    order = np.lexsort((wins[scored], points[scored]))
    used, won = points[scored][order], wins[scored][order]
    n, failed = int(completed.sum()), int((wins[completed] == 0).sum())
    missing = int(len(wins) - n)
    doubts = []
    if len(used) < n:
        doubts.append(f"{n - len(used)} failed trials have no score and are not in the moments.")
    if len(used) < 2:
        doubts.append(f"{len(used)} scores show no spread; run at least two seeds.")
    doubts.append(missing_note(n, missing))
    note = " ".join(filter(None, doubts))
    known = (level, min(n, 1), len(used), missing + n - len(used))

    rate = Interval(failed / n if n else math.nan, *blaker(failed, n, level), level, min(n, 1), n, missing, "Blaker")
    median = _median(used, known)
    mean, std = _moments(used, won, majority, known, rng, n_draws)
    if note:
        mean, std, median = mean.distrusted(note), std.distrusted(note), median.distrusted(note)
    rate = rate.judged_by_missing() if n else rate.distrusted("No trial has an outcome.")
    return Stability(std, mean, median, float(used.max()) if len(used) else math.nan, rate, failed, n, missing, note)


def _moments(
    used: Array,
    won: Array,
    majority: float | None,
    known: tuple[float, int, int, int],
    rng: np.random.Generator,
    n_draws: int,
) -> tuple[Interval, Interval]:
    """The mean and the standard deviation."""
    n, method = len(used), "mixture of failed and successful, fiducial"
    mean = float(used.mean()) if n else math.nan
    if n < 2:
        return Interval(mean, -math.inf, math.inf, *known, method), Interval(math.nan, 0.0, math.inf, *known, method)
    # Rounding must not pass for spread: constant scores have none.
    std = float(used.std(ddof=1)) if used[0] < used[-1] else 0.0
    if not won.any():
        note = "No trial succeeded, so nothing tells how high a success would score."
        nowhere = Interval(mean, -math.inf, math.inf, *known, method).distrusted(note)
        return nowhere, Interval(std, 0.0, math.inf, *known, method).distrusted(note)
    failed_score = majority if majority is not None else float(used[0])
    limits = moment_limits(used, won, failed_score, rng, known[0], n_draws)
    # At the edge of what is possible the estimate may lie just outside the limits.
    found = tuple(
        Interval(value, min(low, value), max(high, value), *known, method)
        for value, (low, high) in ((mean, limits.mean), (std, limits.std))
    )
    doubts = []
    if n < FEW_SEEDS:
        doubts.append(f"{n} seeds are too few to know their spread; run at least {FEW_SEEDS}.")
    if won.all() and majority is None:
        doubts.append("No trial failed, and without the majority's score nothing tells how low a failure would score.")
    note = " ".join(doubts)
    return (found[0].distrusted(note), found[1].distrusted(note)) if note else (found[0], found[1])


def _median(used: Array, known: tuple[float, int, int, int]) -> Interval:
    n, level = len(used), known[0]
    method = "order statistics, interpolated" if n >= _FEWEST_TO_INTERPOLATE else "order statistics"
    estimate = float(np.median(used)) if n else math.nan
    tail = 0.5 - level / 2
    # Between the k-th from below and from above lies the median, but for the chance of fewer than k on a side.
    k = int(stats.binom.ppf(tail, n, 0.5)) if n else 0
    if k < 1 or n < _FEWEST_FOR_MEDIAN:
        note = f"{n} seeds are too few for an interval of the median; run at least {_needed(level)}."
        return Interval(estimate, -math.inf, math.inf, *known, method).distrusted(note)
    share = 0.0
    if n >= _FEWEST_TO_INTERPOLATE and k + 1 <= n // 2:
        outer, inner = (1 - 2 * float(stats.binom.cdf(j - 1, n, 0.5)) for j in (k, k + 1))
        excess = (outer - level) / (outer - inner)
        share = (n - k) * excess / (k + (n - 2 * k) * excess)
    low = used[k - 1] + share * (used[k] - used[k - 1])
    high = used[n - k] - share * (used[n - k] - used[n - k - 1])
    return Interval(estimate, float(low), float(high), *known, method)


def _needed(level: float) -> int:
    """The fewest seeds whose smallest and largest score hold the median between them at this level."""
    return max(_FEWEST_FOR_MEDIAN, math.ceil(1 - math.log2(1 - level)))


def _checked(scores: ArrayLike, success: ArrayLike, majority: float | None) -> tuple[Array, Array]:
    points, wins = np.asarray(scores, dtype=float), np.asarray(success, dtype=float)
    if points.ndim != 1 or points.shape != wins.shape:
        raise UserError(f"scores and success must have one shape (n_seeds,), received {points.shape} and {wins.shape}.")
    if not np.isin(wins[~np.isnan(wins)], (0.0, 1.0)).all():
        raise UserError("success must hold only 1 (success), 0 (failed) and NaN (missing); judge scores first.")
    if majority is not None and not math.isfinite(majority):
        raise UserError(f"majority must be a finite score, received {majority!r}; give None if it is not known.")
    return points, wins
