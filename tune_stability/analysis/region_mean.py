"""The mean over a region of values measured at a design's configurations, and the variance of that mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tune_stability.errors import UserError, unknown_name

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Design = Literal["sobol", "random", "grid"]


@dataclass(frozen=True)
class Sample:
    """How the configurations were chosen, of which `n_configs` is the number.

    `points`, shape `(n_configs, n_axes)` in the unit cube, orders the points of one Sobol scramble or a grid;
    `replicate`, shape `(n_configs,)`, tells the independent scrambles of a design apart. Without either the
    configurations count as independent.
    """

    n_configs: int
    design: Design = "random"
    points: Array | None = None
    replicate: Labels | None = None

    @property
    def method(self) -> str:
        """How the variance of a mean is found, for an interval's `method`."""
        if self.replicate is not None:
            return "independent replicates"
        return "independent configurations" if self.points is None else "successive differences"

    def only(self, kept: NDArray[np.bool_] | NDArray[np.intp]) -> Sample:
        """The sample of some of the configurations."""
        points = None if self.points is None else self.points[kept]
        replicate = None if self.replicate is None else self.replicate[kept]
        return Sample(len(np.arange(self.n_configs)[kept]), self.design, points, replicate)


@dataclass(frozen=True)
class RegionMean:
    """`variance` is NaN where it cannot be known: with fewer than two configurations. `freedom`: its degrees of it."""

    mean: float
    variance: float
    freedom: float
    n_configs: int
    n_trials: int
    missing: int


def region_mean(values: Array, sample: Sample) -> RegionMean:
    """Mean over configurations of their means over seeds, with its variance.

    `values`: shape `(n_configs, n_seeds)`, NaN where a trial is missing; a configuration with none is left out.

    The seeds are nested in the configurations, so the spread of the configuration means already holds the noise
    of the seeds; resampling seeds within resampled configurations would count it twice.
    """
    present = ~np.isnan(values)
    kept = np.asarray(present.any(axis=1))
    counts = present[kept].sum(axis=1)
    n = int(kept.sum())
    n_trials, missing = int(present.sum()), int(values.size - present.sum())
    if n == 0:
        return RegionMean(np.nan, np.nan, 0, 0, 0, missing)
    means = np.where(present[kept], values[kept], 0.0).sum(axis=1) / counts
    variance, freedom = mean_variance(means, sample.only(kept)) if n > 1 else (np.nan, 0.0)
    return RegionMean(float(means.mean()), variance, freedom, n, n_trials, missing)


def mean_variance(values: Array, sample: Sample) -> tuple[float, float]:
    """The variance of `values.mean()` as an estimate of the mean over the cube, and its degrees of freedom.

    `values`: shape `(n_configs,)`, at least two.

    With replicates: that of the mean of independent clusters (L'Ecuyer, Nakayama, Owen and Tuffin 2023 find Student's t
    over replicates the most reliable interval of randomized quasi-Monte Carlo). It is unbiased whatever the values.
    For the points of one scramble or a grid: successive differences along the first axis (Wolter 2007, chapter 8,
    estimator v2), which are unbiased for noise and count too much, never too little, of what varies smoothly.
    Otherwise that of a mean of independent values.
    """
    n = len(values)
    off = values - values.mean()
    if sample.replicate is not None:
        groups = np.unique(sample.replicate, return_inverse=True)[1]
        sums = np.bincount(groups, weights=off)
        if len(sums) > 1:
            return float((sums**2).sum()) * len(sums) / (len(sums) - 1) / n**2, len(sums) - 1.0
    elif sample.points is not None:
        steps = np.diff(values[np.lexsort(sample.points.T[::-1])])
        return float((steps**2).sum()) / (2 * n * (n - 1)), max(2 * (n - 1) / 3, 1.0)
    return float(off @ off) / (n - 1) / n, n - 1.0


def check_success(success: ArrayLike) -> Array:
    """A success array as floats. Raises `UserError` unless it is `(n_configs, n_seeds)` of 1, 0 and NaN."""
    try:
        values = np.asarray(success, dtype=float)
    except (TypeError, ValueError):
        raise UserError(
            "success must be an array of 1 (success), 0 (failed) and NaN (missing); judge scores first."
        ) from None
    if values.ndim != 2:
        raise UserError(f"success must have shape (n_configs, n_seeds), received {values.shape}.")
    if not (np.isnan(values) | (values == 0) | (values == 1)).all():
        raise UserError("success must hold only 1 (success), 0 (failed) and NaN (missing); judge scores first.")
    return values


def check_points(points: ArrayLike, n_configs: int) -> Array:
    """Points as floats. Raises `UserError` unless they are `(n_configs, n_axes)` in the unit cube."""
    places = np.asarray(points, dtype=float)
    if places.ndim != 2 or len(places) != n_configs or places.shape[1] == 0:
        raise UserError(f"points must have shape ({n_configs}, n_axes), received {places.shape}.")
    if not ((places >= 0) & (places <= 1)).all():
        raise UserError("points must lie in the unit cube [0, 1]; map configurations with SearchSpace.point first.")
    return places


def make_sample(points: ArrayLike | None, n_configs: int, design: str, replicate: ArrayLike | None = None) -> Sample:
    """The sample that a caller describes, as `Sample` says.

    Raises `UserError` for a wrong shape, points outside the cube, labels that are no whole numbers or another design.
    """
    if design not in get_args(Design):
        raise unknown_name("design", str(design), get_args(Design))
    known = cast(Design, design)
    places = None if points is None else check_points(points, n_configs)
    if known == "random":
        return Sample(n_configs)
    if replicate is None:
        return Sample(n_configs, known, places)
    labels = np.asarray(replicate)
    if labels.shape != (n_configs,) or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            f"replicate must hold {n_configs} whole numbers, received shape {labels.shape} of {labels.dtype}."
        )
    return Sample(n_configs, known, None, labels.astype(np.int64))
