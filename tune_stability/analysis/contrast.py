"""The interval of a contrast: a sum of several arms' success rates with weights that add up to 0."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tune_stability.analysis.interval import Interval
from tune_stability.analysis.random_field import Geometry
from tune_stability.analysis.region_mean import Design, region_mean
from tune_stability.analysis.success_rate import judged, rate_interval, t_quantile, variance_name, wilson
from tune_stability.analysis.widening import _correlation, difference_limits

Array = NDArray[np.float64]
Arm = TypeVar("Arm", bound=Hashable)


def contrast_interval(
    arms: Mapping[Arm, Array],
    weights: Mapping[Arm, int],
    size: float,
    points: Array | None,
    design: Design,
    level: float,
    geometry: Geometry | None = None,
) -> Interval:
    """The contrast of the arms' success rates with its interval, in [-size, size].

    `arms`: success arrays of one shape `(n_configs, n_seeds)`, NaN in all or none of them. `weights`: whole numbers
    that add up to 0, so that what always succeeds has a rate of just 1; they are scaled to add up to `size` on either
    side of 0. `points`, `design` and `geometry` as in `region_mean`.

    Method: the arms of positive weight are averaged at each configuration and seed, and so are the others. Both
    averages lie in [0, 1], so that each mean has a Wilson interval with an effective size, and MOVER (Zou and
    Donner 2008) puts the two together with their correlation, as in `widening`, which is the case of two arms. It
    holds where the arms are close to never or always, where an interval of mean +- t * standard error misses too often.
    If the contrast is 0 at every configuration and seed, its variance says nothing. Then the share of the region where
    it is not 0 is what Wilson's interval allows after 0 of `n_configs`, and so is the contrast on either side.

    With one seed each, configurations count as independent whatever the design. Then nothing tells noise over seeds
    from change over the space, and a contrast may be all noise where its arms are not: with the random-field variance
    the interval of 16 Sobol configurations covered in as few as 86 % of studies.
    """
    total = sum(weight for weight in weights.values() if weight > 0)
    negative, positive = (
        np.asarray(sum(sign * weight * arms[arm] for arm, weight in weights.items() if sign * weight > 0) / total)
        for sign in (-1, 1)
    )
    note = ""
    if design != "random" and (~np.isnan(positive)).sum(axis=1).max(initial=0) < 2:
        design, note = "random", "With one seed per configuration the design is left out of account; run two."
    below, above, both = (
        region_mean(values, points, design, geometry) for values in (negative, positive, positive - negative)
    )
    n = both.n_configs
    low, high = -1.0, 1.0
    if n > 1 and np.array_equal(negative, positive, equal_nan=True):
        high = wilson(0.0, n, t_quantile(n, level))[1]
        low, note = -high, f"{note} No trial shows a difference.".strip()
    elif n > 1:
        correlation = _correlation(below.variance, above.variance, both.variance)
        low, high = difference_limits(
            rate_interval(below, design, level), rate_interval(above, design, level), correlation
        )
    method = f"MOVER, paired, {variance_name(design)}"
    interval = Interval(
        size * both.mean, size * low, size * high, level, n, both.n_trials, both.missing, method, note=note
    )
    return judged(interval, both, design)
