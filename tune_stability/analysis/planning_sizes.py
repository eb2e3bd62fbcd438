"""How many configurations and seeds it takes until the interval of a widening is as narrow as one wants."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from tune_stability.analysis.region_mean import Array, Design, check_success
from tune_stability.analysis.widening import widening
from tune_stability.errors import UserError

INDEPENDENT: Design = "random"
MIN_PILOT = 8
"""Fewer configurations do not tell how much configurations differ."""
STEP = 8
"""Planned sizes are multiples of this, as balanced designs want."""


@dataclass(frozen=True)
class PairedVariance:
    """The variance of the widening's estimate is `(between + within / n_seeds) / n_configs`.

    `between`: how much the arms' difference in success probability varies over configurations, less what a design that
    fills the space averages out. `within`: the variance of a pair's difference over seeds. `pilot` counts the
    configurations from which both are known, 0 for the worst case. `freedom`: that of the variance that a study will
    estimate, one less than its design has independent scrambles; None for one less than configurations.
    """

    between: float
    within: float
    pilot: int = 0
    freedom: int | None = None

    def width(self, n_configs: int, n_seeds: int, level: float = 0.95) -> float:
        """The expected width of the interval of the widening, in [0, 2]; with one configuration all of it."""
        if n_configs < 2:
            return 2.0
        variance = (self.between + self.within / n_seeds) / n_configs
        return min(2.0, 2 * _quantile(self.freedom or n_configs - 1, level) * math.sqrt(variance))


def worst_case(freedom: int | None = None) -> PairedVariance:
    """Each configuration is sure to succeed in one arm and to fail in the other, and each arm wins half of them."""
    return PairedVariance(between=1.0, within=0.0, freedom=freedom)


def paired_variance(
    baseline: ArrayLike,
    treatment: ArrayLike,
    points: ArrayLike | None = None,
    design: Design = "sobol",
    replicate: ArrayLike | None = None,
) -> PairedVariance | None:
    """The variance of the paired difference, split into its parts, from a pilot; None if it is too small to tell.

    The arrays are those of `widening`. The total is the spread of the configurations' mean differences. `within` is the
    pooled variance over the seeds of a configuration; with one seed it cannot be told and counts as `between`, so seeds
    are then planned as if they did not help. What a design brings is the square of how much smaller the error that its
    interval shows is than that of independent configurations, and is taken from `between`. Eight scrambles tell it
    roughly, so one plan may be off by half; it is never more than for independent configurations nor less than for the
    seeds alone. A Sobol design brings more at larger sizes, so a larger study is narrower than planned. Where all pairs
    agree the spread is that of one pair in `n_configs + 1` that does not, since none seen is not none.
    """
    first, second = check_success(baseline), check_success(treatment)
    if first.shape != second.shape:
        raise UserError(f"paired arms need the same shape, received {first.shape} and {second.shape}.")
    difference = second - first
    counts = (~np.isnan(difference)).sum(axis=1)
    difference, counts = difference[counts > 0], counts[counts > 0]
    n = len(difference)
    if n < MIN_PILOT:
        return None
    means = np.nansum(difference, axis=1) / counts
    total = max(float(means.var(ddof=1)), 1 / (n + 1))
    repeated = int((counts - 1).sum())
    within = float(np.nansum((difference - means[:, None]) ** 2)) / repeated if repeated else 0.0
    noise = min(within * float((1 / counts).mean()), total)
    freedom = _freedom(design, replicate)
    between = max(total * _gain(first, second, points, design, replicate, freedom) - noise, 0.0)
    return PairedVariance(between, within, n, freedom)


def needed_configs(
    variance: PairedVariance, width: float, n_seeds: int, level_at: Callable[[int], float] = lambda _: 0.95
) -> int:
    """The least multiple of 8 configurations whose interval is expected to be at most `width` wide.

    `level_at` gives the level of the interval by the number of configurations. Raises `UserError` for a width
    outside (0, 2).

    >>> needed_configs(worst_case(), 0.2, n_seeds=1), needed_configs(worst_case(), 0.1, n_seeds=5)
    (392, 1544)
    """
    if not 0 < width < 2:
        raise UserError(f"the width of an interval of a difference lies between 0 and 2, received {width:g}.")
    if n_seeds < 1:
        raise UserError(f"n_seeds must be at least 1, received {n_seeds}.")
    few, many = 0, STEP
    while variance.width(many, n_seeds, level_at(many)) > width:
        few, many = many, 2 * many
    while many - few > STEP:
        middle = (few + many) // 2 // STEP * STEP
        reached = variance.width(middle, n_seeds, level_at(middle)) <= width
        few, many = (few, middle) if reached else (middle, many)
    return many


def _gain(
    first: Array,
    second: Array,
    points: ArrayLike | None,
    design: Design,
    replicate: ArrayLike | None,
    freedom: int | None,
) -> float:
    """The variance of the estimate by this design as a share of that by independent configurations, at most 1."""
    if design == INDEPENDENT:
        return 1.0
    own = widening(first, second, points, design, replicate=replicate).difference
    independent = widening(first, second, None, INDEPENDENT).difference
    errors = (
        (interval.high - interval.low) / _quantile(degrees or len(first) - 1, interval.level)
        for interval, degrees in ((own, freedom), (independent, None))
    )
    return min(1.0, (next(errors) / next(errors)) ** 2)


def _freedom(design: Design, replicate: ArrayLike | None) -> int | None:
    scrambles = 0 if replicate is None else len(np.unique(np.asarray(replicate)))
    return scrambles - 1 if design == "sobol" and scrambles > 1 else None


def _quantile(freedom: int, level: float) -> float:
    return float(stats.t.ppf(0.5 + level / 2, freedom))
