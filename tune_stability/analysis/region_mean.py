"""The mean over a region of values measured at a design's configurations, and the variance of that mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tune_stability.analysis.random_field import Geometry, mean_variance
from tune_stability.errors import UserError, unknown_name

Array = NDArray[np.float64]
Design = Literal["sobol", "random", "grid"]


@dataclass(frozen=True)
class RegionMean:
    """`variance` is NaN where it cannot be known: with fewer than two configurations."""

    mean: float
    variance: float
    n_configs: int
    n_trials: int
    missing: int
    n_seeds: int


def region_mean(values: Array, points: Array | None, design: Design, geometry: Geometry | None = None) -> RegionMean:
    """Mean over configurations of their means over seeds, with its variance.

    `values`: shape `(n_configs, n_seeds)`, NaN where a trial is missing; a configuration with none is left out.
    `points`: shape `(n_configs, n_axes)` in the unit cube.

    The seeds are nested in the configurations, so the spread of the configuration means already holds the noise
    of the seeds; resampling seeds within resampled configurations would count it twice. For the design
    `random`, or without points, the variance is that of a mean of independent configurations. For `sobol` and
    `grid` it is the noise over seeds plus the design's own error, by `random_field`.
    """
    present = ~np.isnan(values)
    kept = present.any(axis=1)
    counts = present[kept].sum(axis=1)
    n = int(kept.sum())
    n_trials, missing = int(present.sum()), int(values.size - present.sum())
    if n == 0:
        return RegionMean(np.nan, np.nan, 0, 0, missing, 0)
    filled = np.where(present[kept], values[kept], 0.0)
    means = filled.sum(axis=1) / counts
    variance = np.nan
    if n > 1:
        if design == "random" or points is None:
            variance = float(means.var(ddof=1)) / n
        else:
            if geometry is None or n < len(values):
                geometry = Geometry(points[kept])
            variance = mean_variance(geometry, means, _noise(filled, present[kept], means, counts))
    return RegionMean(float(means.mean()), variance, n, n_trials, missing, int(counts.max()))


def _noise(filled: Array, present: NDArray[np.bool_], means: Array, counts: NDArray[np.int_]) -> Array | None:
    """The variance over seeds of each configuration mean, from the spread within configurations, pooled."""
    freedom = int((counts - 1).sum())
    if freedom == 0:
        return None
    squares = np.where(present, (filled - means[:, None]) ** 2, 0.0)
    return float(squares.sum()) / freedom / counts


def check_success(success: ArrayLike) -> Array:
    """A success array as floats. Raises `UserError` unless it is `(n_configs, n_seeds)` of 1, 0 and NaN."""
    values = np.asarray(success, dtype=float)
    if values.ndim != 2:
        raise UserError(f"success must have shape (n_configs, n_seeds), received {values.shape}.")
    if not np.isin(values[~np.isnan(values)], (0.0, 1.0)).all():
        raise UserError("success must hold only 1 (success), 0 (failed) and NaN (missing); judge scores first.")
    return values


def check_points(points: ArrayLike | None, n_configs: int, design: str) -> tuple[Array | None, Design]:
    """The points as floats, and the design that they allow for: without points configurations count as independent.

    Raises `UserError` for a wrong shape, points outside the cube or an unknown design.
    """
    if design not in get_args(Design):
        raise unknown_name("design", str(design), get_args(Design))
    if points is None:
        return None, "random"
    places = np.asarray(points, dtype=float)
    if places.ndim != 2 or len(places) != n_configs or places.shape[1] == 0:
        raise UserError(f"points must have shape ({n_configs}, n_axes), received {places.shape}.")
    if not ((places >= 0) & (places <= 1)).all():
        raise UserError("points must lie in the unit cube [0, 1]; map configurations with SearchSpace.point first.")
    return places, cast(Design, design)
