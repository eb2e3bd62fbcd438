"""The interval of a contrast: a sum of several arms' success rates with weights that add up to 0."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np

from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region_mean import Array, Sample
from tune_stability.analysis.success_rate import t_quantile, wilson
from tune_stability.analysis.widening import paired

Arm = TypeVar("Arm", bound=Hashable)


def contrast_interval(
    arms: Mapping[Arm, Array], weights: Mapping[Arm, int], size: float, sample: Sample, level: float
) -> Interval:
    """The contrast of the arms' success rates with its interval, in [-size, size].

    `arms`: success arrays of one shape `(n_configs, n_seeds)`, NaN in all or none of them. `weights`: whole numbers
    that add up to 0, so that what always succeeds has a rate of just 1; they are scaled to add up to `size` on either
    side of 0.

    Method: the arms of positive weight are averaged at each configuration and seed, and so are the others. Both
    averages lie in [0, 1], and the contrast is the widening from one to the other, so its interval is found as there.
    It holds where arms are close to never or always, where one of mean +- t * standard error misses too often. If
    the contrast is 0 at every configuration and seed, its variance says nothing. Then the share of the region where it
    is not 0 is what Wilson's interval allows after 0 of `n_configs`, and so is the contrast on either side.
    """
    total = sum(weight for weight in weights.values() if weight > 0)
    negative, positive = (
        np.asarray(sum(sign * weight * arms[arm] for arm, weight in weights.items() if sign * weight > 0) / total)
        for sign in (-1, 1)
    )
    found = paired(negative, positive, sample, level).difference
    low, high, note = found.low, found.high, found.note
    if found.n_configs > 1 and np.array_equal(negative, positive, equal_nan=True):
        high = wilson(0.0, found.n_configs, t_quantile(found.n_configs - 1, level))[1]
        low, note = -high, f"No trial shows a difference. {note}".strip()
    return dataclasses.replace(found, estimate=size * found.estimate, low=size * low, high=size * high, note=note)
