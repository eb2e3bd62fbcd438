"""The expected best score of n trials: what a search with that budget brings on average."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region_mean import Design, check_success, make_sample, region_mean
from tune_stability.analysis.success_rate import judged, rate_interval, t_quantile
from tune_stability.errors import UserError

Array = NDArray[np.float64]

LARGEST_SHARE = 0.125
FEW_SUCCESSES = 5


def expected_best(
    scores: ArrayLike,
    success: ArrayLike,
    n: int,
    points: ArrayLike | None = None,
    design: Design = "sobol",
    *,
    majority: float | None = None,
    level: float = 0.95,
    replicate: ArrayLike | None = None,
) -> Interval:
    """The mean over searches of the best score among `n` trials, each at a random configuration with a new seed.

    `scores`: shape `(n_configs, n_seeds)`, in the metric's own units. `success`, of the same shape: 1, 0 or NaN
    (missing). A failed trial without a score (it diverged) counts with the score of a failure: `majority`, the
    score of the majority class, or else the lowest seen. `points`, `design` and `replicate` as in `success_rate`.

    The quantity is the expected validation performance of Dodge et al. (2019, "Show Your Work", section 3). Their
    estimator draws with replacement and is too low (Tang et al. 2020). This is the unbiased one, for trials in groups:
    the mean of the best over all choices of `n` different configurations and a seed of each. With one seed it is
    Tang's. Beyond `n_configs` none is unbiased; there it is that of Dodge et al.

    The interval generalizes to new configurations and seeds. Scores have two humps, so it puts together two parts
    (MOVER, Zou and Donner 2008): what the interval of the success rate (`success_rate`) leaves open, by
    reweighting successes and failures, and the spread of scores within each, by the infinitesimal jackknife over
    configurations. The variance of the second is raised by `n_configs / (n_configs - n)`, as simulation asks.
    Up to an eighth of the configurations it can be trusted (`experiments/coverage/points.py`).

    Raises `UserError` for arrays of another shape or content, or `n` below 1.
    """
    return expected_bests(scores, success, (n,), points, design, majority=majority, level=level, replicate=replicate)[n]


def expected_bests(
    scores: ArrayLike,
    success: ArrayLike,
    budgets: Sequence[int],
    points: ArrayLike | None = None,
    design: Design = "sobol",
    *,
    majority: float | None = None,
    level: float = 0.95,
    replicate: ArrayLike | None = None,
) -> dict[int, Interval]:
    """`expected_best` by each `n` of `budgets`, in little more time than that of the largest."""
    wins = check_success(success)
    values = np.asarray(scores, dtype=float)
    if values.shape != wins.shape:
        raise UserError(f"scores and success must have one shape, received {values.shape} and {wins.shape}.")
    for n in budgets:
        if not (n >= 1 and n % 1 == 0):
            raise UserError(f"n must be a whole number of trials from 1, received {n!r}.")
    sample = make_sample(points, len(wins), design, replicate)
    present = ~np.isnan(wins)
    finite = present & np.isfinite(values)
    if (present & ~finite & (wins == 1)).any():
        raise UserError("a successful trial has no finite score; leave it out, or mend what scored it.")
    if majority is not None and not math.isfinite(majority):
        raise UserError(f"majority must be a finite score, received {majority!r}; give None if it is not known.")
    kept = np.asarray(present.any(axis=1))
    result = region_mean(wins, sample)
    rate = rate_interval(result, sample, level)
    known = (level, rate.n_configs, rate.n_trials, rate.missing, f"MOVER, {sample.method}")
    if not finite.any():
        lacking = Interval(math.nan, -math.inf, math.inf, *known).distrusted("No trial has a score.")
        return dict.fromkeys(budgets, lacking)
    low_score = majority if majority is not None else float(values[finite].min())
    values = np.where(present, np.where(finite, values, low_score), np.nan)
    found = {}
    for n, estimate in _estimates(values[kept], budgets).items():
        low, high = -math.inf, math.inf
        if rate.n_configs >= 2 and (wins == 1).any():
            residuals, by_rate = _parts(values, wins, n, low_score, rate, kept)
            spread = region_mean(residuals, sample)
            raised = spread.variance * rate.n_configs / max(rate.n_configs - n, 1)
            half = t_quantile(spread.freedom, level) * math.sqrt(raised)
            low, high = estimate - math.hypot(by_rate[0], half), estimate + math.hypot(by_rate[1], half)
        found[n] = _doubted(judged(Interval(estimate, low, high, *known), result), wins, n, majority)
    return found


def _parts(
    values: Array, wins: Array, n: int, low_score: float, rate: Interval, kept: NDArray[np.bool_]
) -> tuple[Array, list[float]]:
    """Influences less their mean by outcome; and what the limits of the rate would change the estimate by."""
    present = ~np.isnan(wins)
    weights = _weights(present[kept])
    flat, mass, won = values[kept][present[kept]], weights[present[kept]], wins[kept][present[kept]] == 1
    if won.all():
        flat, mass, won = np.append(flat, low_score), np.append(mass, 0.0), np.append(won, False)
    own = _best(flat, mass, n)
    by_rate = [_best(flat, _reweighted(mass, won, p), n) - own for p in (rate.low, rate.high)]
    residuals = np.full(values.shape, np.nan)
    residuals[present] = _influence(flat, mass, n, values[present])
    for outcome in (0.0, 1.0):
        of = wins == outcome
        if of.any():
            residuals[of] -= residuals[of].mean()
    return residuals, by_rate


def _estimates(values: Array, budgets: Sequence[int]) -> dict[int, float]:
    distinct = _distinct(values, max((n for n in budgets if n <= len(values)), default=0))
    present = ~np.isnan(values)
    flat, mass = values[present], _weights(present)[present]
    return {n: float(distinct[n]) if n <= len(values) else _best(flat, mass, n) for n in budgets}


def _weights(present: NDArray[np.bool_]) -> Array:
    """Each trial's share, if configurations weigh alike and so do the seeds of one."""
    return np.asarray(present / present.sum(axis=1, keepdims=True) / len(present))


def _best(values: Array, mass: Array, n: int) -> float:
    """The mean of the best of `n` independent draws from a weighted sample: max - integral of F**n."""
    order = np.argsort(values, kind="stable")
    ordered, cdf = values[order], np.minimum(np.cumsum(mass[order]), 1.0)
    return float(ordered[-1] - np.diff(ordered) @ cdf[:-1] ** n)


def _reweighted(mass: Array, won: NDArray[np.bool_], rate: float) -> Array:
    """The same sample with another success rate; failures of no mass, put in for want of any, share theirs alike."""
    failed = np.where(won, 0.0, mass)
    failed = failed / failed.sum() if failed.sum() > 0 else ~won / (~won).sum()
    return np.where(won, rate * mass / mass[won].sum(), (1 - rate) * failed)


def _influence(values: Array, mass: Array, n: int, at: Array) -> Array:
    """The influence function of `_best` at scores `at`, up to a constant."""
    order = np.argsort(values, kind="stable")
    ordered, cdf = values[order], np.minimum(np.cumsum(mass[order]), 1.0)
    slope = n * cdf[:-1] ** (n - 1) * np.diff(ordered)
    # Above a score the distribution function rises with its mass.
    above = np.append(np.cumsum(slope[::-1])[::-1], 0.0)
    return np.asarray(-above[np.searchsorted(ordered, at, side="left")])


def _distinct(values: Array, most: int) -> Array:
    """The mean of the best over all choices of `n` of the rows and one value of each, for `n` from 0 to `most`.

    The chance that all are at most t is the mean product of `n` different rows' distribution functions at t, an
    elementary symmetric polynomial over its number of terms, summed up row by row.
    """
    places = np.unique(values[~np.isnan(values)])
    # A row's sorted values end in its NaN, which are never at most t.
    counts = (~np.isnan(values)).sum(axis=1)
    products = np.zeros((most + 1, len(places)))
    products[0] = 1.0
    for i, row in enumerate(np.sort(values, axis=1)):
        cdf = np.searchsorted(row[: counts[i]], places, side="right") / counts[i]
        k = np.arange(1, min(i + 1, most) + 1)[:, None]
        products[1 : len(k) + 1] += k / (i + 1) * (cdf * products[: len(k)] - products[1 : len(k) + 1])
    return np.asarray(places[-1] - products[:, :-1] @ np.diff(places))


def _doubted(interval: Interval, wins: Array, n: int, majority: float | None) -> Interval:
    won, completed = int((wins == 1).sum()), int((~np.isnan(wins)).sum())
    if won < FEW_SUCCESSES:
        note = f"{won} trials succeeded, which is too few to know how high a success scores."
        return interval.distrusted(note)
    if won == completed and majority is None:
        interval = interval.distrusted(
            "No trial failed, and without the majority's score nothing tells how low one is."
        )
    if n > LARGEST_SHARE * interval.n_configs:
        interval = interval.distrusted(
            f"The best of {n} needs {math.ceil(n / LARGEST_SHARE)} configurations, here {interval.n_configs}."
        )
    return interval
