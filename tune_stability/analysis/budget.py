"""What a success rate means for a budget: the trials needed for a good chance of one success."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike

from tune_stability.analysis.binomial import blaker
from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region_mean import Design, check_success
from tune_stability.analysis.success_rate import success_rate
from tune_stability.errors import UserError

CHANCE = 0.95


def trials_needed(
    success: ArrayLike,
    points: ArrayLike | None = None,
    design: Design = "sobol",
    chance: float = CHANCE,
    level: float = 0.95,
    replicate: ArrayLike | None = None,
) -> Interval:
    """Trials, each at a new random configuration of the region, for a `chance` of at least one success.

    Arguments as in `success_rate`, whose interval is carried over: one such trial succeeds with the region's rate,
    whatever the shape of the region. Not for seeds of one random configuration: those share its luck, and need at least
    as many trials (Jensen's inequality), or any number where the configuration never succeeds; for a
    configuration that is fixed, see `seeds_needed`.

    >>> trials_needed([[1], [0]] * 32).format(digits=0)
    '5 [4, 7]'
    """
    _check_chance(chance)
    return needed_at(success_rate(success, points, design, level, replicate), chance)


def seeds_needed(success: ArrayLike, chance: float = CHANCE, level: float = 0.95) -> Interval:
    """Seeds of one configuration for a `chance` of at least one success, from `success` of shape `(n_seeds,)`.

    `success` is 1, 0 or NaN (missing). Blaker's interval of the success probability, carried over.
    Raises `UserError` for another shape or content, or a chance outside (0, 1).
    """
    _check_chance(chance)
    shape = np.shape(success)
    if len(shape) != 1:
        raise UserError(f"success must have shape (n_seeds,), received {shape}; pass one configuration.")
    row = check_success(np.asarray(success)[None])[0]
    wins = row[~np.isnan(row)]
    n, won = len(wins), int(wins.sum())
    estimate = won / n if n else math.nan
    rate = Interval(estimate, *blaker(won, n, level), level, min(n, 1), n, len(row) - n, "Blaker")
    return needed_at(rate.judged_by_missing() if n else rate.distrusted("No trial has an outcome."), chance)


def needed_at(rate: Interval, chance: float = CHANCE) -> Interval:
    """Trials needed at a success probability with an interval: the smallest n with `1 - (1 - p)**n >= chance`.

    Whole numbers, infinite where p may be 0. The map is monotone, so the interval covers as often as that of `rate`.
    """
    _check_chance(chance)
    found = dataclasses.replace(
        rate,
        estimate=_trials(rate.estimate, chance),
        low=_trials(rate.high, chance),
        high=_trials(rate.low, chance),
        method=f"trials for a {chance:.0%} chance of a success; rate by {rate.method}",
    )
    if rate.estimate == 0:
        note = "No trial succeeded, so only the lower limit means something."
        found = dataclasses.replace(found, note=f"{found.note} {note}".strip())
    return found


def _trials(p: float, chance: float) -> float:
    if math.isnan(p):
        return math.nan
    if p <= 0:
        return math.inf
    if p >= chance:
        return 1.0
    # Rounding must not add a trial where the chance is met exactly, as 0.75 is by two trials at 0.5.
    return float(math.ceil(math.log1p(-chance) / math.log1p(-p) - 1e-9))


def _check_chance(chance: float) -> None:
    if not 0 < chance < 1:
        raise UserError(f"chance is a probability and must lie in (0, 1), received {chance!r}.")
