"""By how much one recipe's success region is wider than another's, on the same configurations and seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region_mean import Array, Design, Sample, check_success, make_sample, region_mean
from tune_stability.analysis.success_rate import judged, rate_interval
from tune_stability.errors import UserError


@dataclass(frozen=True)
class Widening:
    """Success rates of both arms over the pairs that both have, their difference in [-1, 1] and their ratio."""

    baseline: Interval
    treatment: Interval
    difference: Interval
    ratio: Interval


def widening(
    baseline: ArrayLike,
    treatment: ArrayLike,
    points: ArrayLike | None = None,
    design: Design = "sobol",
    level: float = 0.95,
    replicate: ArrayLike | None = None,
) -> Widening:
    """The paired difference `treatment - baseline` and the ratio `treatment / baseline` of two success rates.

    Both arrays: shape `(n_configs, n_seeds)`, 1, 0 or NaN, row by row the same configuration and column by column
    the same seed. `points` and `replicate` as in `success_rate`. Only pairs with both trials are used; `missing` counts
    the others. The intervals generalize to the mean over the whole space and over new seeds. Nothing is resampled.

    Method: MOVER (Zou and Donner 2008 for the difference, Donner and Zou 2012 for the ratio), which puts the
    two arms' Wilson intervals together with the correlation of their estimates, found from the variance of
    the paired difference. So it stays honest where an arm never or always succeeds. The upper
    limit of the ratio is infinite if the baseline may be 0.

    Raises `UserError` for arrays of the wrong shape or content.
    """
    first, second = check_success(baseline), check_success(treatment)
    if first.shape != second.shape:
        raise UserError(f"paired arms need the same shape, received {first.shape} and {second.shape}.")
    sample = make_sample(points, len(first), design, replicate)
    both = ~(np.isnan(first) | np.isnan(second))
    return paired(np.where(both, first, np.nan), np.where(both, second, np.nan), sample, level)


def paired(first: Array, second: Array, sample: Sample, level: float) -> Widening:
    """The `widening` of arrays of any values, NaN in both arms where a pair is missing."""
    a, b, d = (region_mean(values, sample) for values in (first, second, second - first))
    arms = rate_interval(a, sample, level), rate_interval(b, sample, level)
    correlation = _correlation(a.variance, b.variance, d.variance)
    method = f"MOVER, paired, {sample.method}"
    counts = (level, d.n_configs, d.n_trials, d.missing, method)
    low, high, ratio_low, ratio_high = -1.0, 1.0, 0.0, math.inf
    if d.n_configs > 1:
        low, high = difference_limits(*arms, correlation)
        ratio_low, ratio_high = ratio_limits(*arms, correlation)
    difference = Interval(d.mean, low, high, *counts)
    ratio = Interval(_ratio(a.mean, b.mean), ratio_low, ratio_high, *counts)
    if a.mean == 0:
        ratio = ratio.distrusted("The baseline never succeeded, so the ratio has no estimate.")
    return Widening(*arms, judged(difference, d), judged(ratio, d))


def difference_limits(baseline: Interval, treatment: Interval, correlation: float) -> tuple[float, float]:
    """MOVER limits of `treatment - baseline` (Zou and Donner 2008), with the term for correlated estimates."""
    estimate = treatment.estimate - baseline.estimate
    below, above = treatment.estimate - treatment.low, treatment.high - treatment.estimate
    base_below, base_above = baseline.estimate - baseline.low, baseline.high - baseline.estimate
    low = estimate - _joined(below, base_above, correlation)
    high = estimate + _joined(above, base_below, correlation)
    return max(low, -1.0), min(high, 1.0)


def ratio_limits(baseline: Interval, treatment: Interval, correlation: float) -> tuple[float, float]:
    """MOVER limits of `treatment / baseline` (Donner and Zou 2012)."""
    product = treatment.estimate * baseline.estimate
    below, above = treatment.estimate - treatment.low, treatment.high - treatment.estimate
    base_below, base_above = baseline.estimate - baseline.low, baseline.high - baseline.estimate
    low = _ratio_limit(
        product - correlation * below * base_above,
        treatment.low * (treatment.estimate + below),
        baseline.high * (baseline.estimate - base_above),
        -1,
    )
    high = _ratio_limit(
        product - correlation * above * base_below,
        treatment.high * (treatment.estimate - above),
        baseline.low * (baseline.estimate + base_below),
        1,
    )
    return low, high


def _ratio_limit(middle: float, above: float, below: float, sign: int) -> float:
    """The root of `below * r**2 - 2 * middle * r + above`, which the limit of a ratio solves."""
    if sign > 0 and below <= 0:
        return math.inf
    root = math.sqrt(max(middle**2 - above * below, 0.0))
    if sign < 0 and middle + root > 0:
        # The same root without dividing by `below`, which may be 0 or negative here.
        return max(above / (middle + root), 0.0)
    return max((middle + root) / below, 0.0) if below > 0 else 0.0


def _joined(first: float, second: float, correlation: float) -> float:
    return math.sqrt(max(first**2 + second**2 - 2 * correlation * first * second, 0.0))


def _ratio(baseline: float, treatment: float) -> float:
    return treatment / baseline if baseline > 0 else math.nan


def _correlation(baseline: float, treatment: float, difference: float) -> float:
    """Of the two arms' estimates, from their variances and that of their difference.

    Zero if no pair of trials differs: that all pairs seen agree does not show that all pairs do.
    """
    if difference == 0:
        return 0.0
    scale = 2 * math.sqrt(baseline * treatment)
    return min(max((baseline + treatment - difference) / scale, -1.0), 1.0) if scale > 0 else 0.0
