"""The success rate of a region, `S_r`: the mean of the success probability over the space's measure."""

from __future__ import annotations

import functools
import math

from numpy.typing import ArrayLike
from scipy import stats

from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region_mean import Design, RegionMean, Sample, check_success, make_sample, region_mean

FEW_CONFIGS = 8


def success_rate(
    success: ArrayLike,
    points: ArrayLike | None = None,
    design: Design = "sobol",
    level: float = 0.95,
    replicate: ArrayLike | None = None,
) -> Interval:
    """The success rate of the region with its interval.

    `success`: shape `(n_configs, n_seeds)`, 1, 0 or NaN (missing). `replicate`: shape `(n_configs,)`, which of the
    design's independent scrambles each configuration comes from. `points`: shape `(n_configs, n_axes)` in the unit
    cube, for a design of one scramble or a grid. Without either the configurations count as independent, which
    for such designs is safe but wide. The interval generalizes to the mean over the whole space and over new seeds.
    Nothing is resampled.

    Method: a Wilson interval (Wilson 1927) whose number of trials is the effective one, rate (1 - rate) / variance,
    as for the design effect of survey samples (Korn and Graubard 1998, with Wilson for Clopper-Pearson), and with
    Student's t for the normal quantile. The variance is that of `mean_variance`. If all or none succeed, there
    are as many effective trials as configurations, because seeds of one configuration may be alike.

    Where it holds: `results/coverage`. Trials are taken to be missing at random.

    >>> success_rate([[1, 1], [1, 0], [0, 0], [1, 1]] * 4, design="random").format("percent")
    '62.5 % [39.5, 81.0]'

    Raises `UserError` for arrays of the wrong shape or content.
    """
    values = check_success(success)
    sample = make_sample(points, len(values), design, replicate)
    return rate_interval(region_mean(values, sample), sample, level)


def rate_interval(result: RegionMean, sample: Sample, level: float) -> Interval:
    """The interval of `success_rate`, from a region's mean and variance."""
    n = result.n_configs
    low, high = 0.0, 1.0
    if n > 1:
        # If all are alike no variance was estimated, whose freedom would be the replicates'.
        freedom = n - 1 if result.mean in (0.0, 1.0) else result.freedom
        low, high = wilson(result.mean, effective_trials(result), t_quantile(freedom, level))
    method = f"Wilson, effective size, {sample.method}"
    interval = Interval(result.mean, low, high, level, n, result.n_trials, result.missing, method)
    return judged(interval, result)


def wilson(rate: float, n: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval for a rate out of `n` (real-valued) trials, at the given normal or t quantile."""
    share = quantile**2 / n
    centre = (rate + share / 2) / (1 + share)
    half = math.sqrt(share * (rate * (1 - rate) + share / 4)) / (1 + share)
    return (0.0 if rate == 0 else max(centre - half, 0.0)), (1.0 if rate == 1 else min(centre + half, 1.0))


def effective_trials(result: RegionMean) -> float:
    """How many independent trials would know the rate as well."""
    if result.variance == 0 or result.mean in (0.0, 1.0):
        return float(result.n_configs)
    return result.mean * (1 - result.mean) / result.variance


@functools.cache
def t_quantile(freedom: float, level: float) -> float:
    """The two-sided quantile of Student's t with that many degrees of freedom."""
    return float(stats.t.ppf(0.5 + level / 2, freedom))


def judged(interval: Interval, result: RegionMean) -> Interval:
    """The interval, marked where too little stands behind it."""
    n = result.n_configs
    if n == 0:
        return interval.distrusted("No trial has an outcome.")
    if n == 1:
        return interval.distrusted("One configuration says nothing about the rest of the space.")
    if n < FEW_CONFIGS:
        note = f"{n} configurations are too few to know their spread; run at least {FEW_CONFIGS}."
        interval = interval.distrusted(note)
    return interval.judged_by_missing()
