"""Design rows and adaptive rows together: the fitted surface's mean, corrected by what design rows say of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import qmc

from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region_mean import (
    Array,
    Design,
    RegionMean,
    Sample,
    check_points,
    check_success,
    make_sample,
    region_mean,
)
from tune_stability.analysis.success_rate import rate_interval
from tune_stability.analysis.surface import fit_surface
from tune_stability.analysis.widening import Widening, paired
from tune_stability.errors import UserError

N_FOLDS = 8
CUBE_POINTS = 4096
"""Sobol points over which a surface is averaged; its error there is far below that of any study."""


@dataclass(frozen=True)
class Rows:
    """Success arrays, shape `(n_configs, n_seeds)`, of configurations at `points`, shape `(n_configs, n_axes)`."""

    success: Array
    points: Array

    @classmethod
    def of(cls, success: ArrayLike, points: ArrayLike) -> Rows:
        """The rows as floats. Raises `UserError` for arrays of the wrong shape or content."""
        values = check_success(success)
        return cls(values, check_points(points, len(values)))


def prediction_powered_rate(
    design: Rows,
    adaptive: Rows,
    kind: Design = "sobol",
    level: float = 0.95,
    replicate: ArrayLike | None = None,
    seed: int = 0,
) -> Interval:
    """The success rate of the region from design rows and adaptive rows, with its interval.

    `kind` and `replicate`: how the design's configurations were chosen, as in `success_rate`, whose interval this is,
    over `rectified` values. It generalizes to the mean over the whole space and over new seeds. `seed` draws the folds
    of a design without replicates. Raises `UserError` for bad input.
    """
    values, sample = rectified(design, adaptive, make_sample(design.points, len(design.success), kind, replicate), seed)
    interval = rate_interval(_bounded(region_mean(values[:, None], sample)), sample, level)
    return _counted(interval, design.success, adaptive.success)


def prediction_powered_widening(
    baseline: tuple[Rows, Rows],
    treatment: tuple[Rows, Rows],
    kind: Design = "sobol",
    level: float = 0.95,
    replicate: ArrayLike | None = None,
    seed: int = 0,
) -> Widening:
    """The `widening` from design rows and adaptive rows of both arms, each arm a pair of these.

    The arms have the same design, of which pairs with a trial missing are left out. Otherwise as
    `prediction_powered_rate`.
    """
    kept = ~(np.isnan(baseline[0].success) | np.isnan(treatment[0].success))
    arms = []
    for design, adaptive in (baseline, treatment):
        whole = Rows(np.where(kept, design.success, np.nan), design.points)
        arms.append(rectified(whole, adaptive, make_sample(design.points, len(kept), kind, replicate), seed))
    (first, sample), (second, _) = arms
    found = paired(first[:, None], second[:, None], sample, level)
    used = np.where(kept, baseline[0].success, np.nan)
    more = baseline[1].success, treatment[1].success
    return Widening(
        _counted(found.baseline, used, more[0]),
        _counted(found.treatment, used, more[1]),
        _counted(found.difference, used, *more),
        _counted(found.ratio, used, *more),
    )


def rectified(design: Rows, adaptive: Rows, sample: Sample, seed: int = 0) -> tuple[Array, Sample]:
    """Values whose mean over the design's configurations is the prediction-powered success rate, and their sample.

    Value of a configuration = mean over its seeds - surface there + mean of the surface over the cube, shape
    `(n_configs,)`, NaN where no trial has an outcome. The surface is fitted to the adaptive rows and to the design rows
    of all folds but the configuration's own (Angelopoulos et al. 2023; cross-fitted as by Zrnic and Candes 2024). Folds
    are the design's independent replicates, or random where it has none. So the mean is unbiased whatever the surface,
    and varies less the better the surface is.

    Amplitude and lengths of the surface are fitted once, to all rows. The values count as a design of replicates, the
    folds, whose spread tells the variance. Raises `UserError` if the design has fewer than two configurations.
    """
    n = len(design.success)
    if n < 2:
        raise UserError(f"a prediction-powered rate needs at least two configurations of a design, received {n}.")
    fold = sample.replicate if sample.replicate is not None else _random_folds(n, seed)
    cube = qmc.Sobol(design.points.shape[1], rng=np.random.default_rng(seed)).random(CUBE_POINTS)
    together = _joined(adaptive, design)
    whole = fit_surface(together.success, together.points, seed=seed)
    values = np.full(n, np.nan)
    for label in np.unique(fold):
        own = fold == label
        rest = _joined(adaptive, Rows(design.success[~own], design.points[~own]))
        surface = whole.refit(rest.success, rest.points)
        values[own] = _means(design.success[own]) - surface.probability(design.points[own])
        values[own] += surface.probability(cube).mean()
    return values, Sample(n, "sobol", None, fold.astype(np.int64))


def _bounded(result: RegionMean) -> RegionMean:
    """A correction may take a rate a little out of [0, 1]."""
    return dataclasses.replace(result, mean=min(max(result.mean, 0.0), 1.0))


def _counted(interval: Interval, *success: Array) -> Interval:
    """The interval with the numbers of trials behind it."""
    n_trials = sum(int((~np.isnan(values)).sum()) for values in success)
    return dataclasses.replace(
        interval,
        n_trials=n_trials,
        missing=sum(values.size for values in success) - n_trials,
        method=interval.method.replace("independent replicates", "prediction-powered, independent folds"),
    )


def _means(success: Array) -> Array:
    present = ~np.isnan(success)
    counts = present.sum(axis=1)
    return np.where(counts > 0, np.where(present, success, 0.0).sum(axis=1) / np.maximum(counts, 1), np.nan)


def _joined(first: Rows, second: Rows) -> Rows:
    """Both, with as many seeds as the one that has more."""
    width = max(first.success.shape[1], second.success.shape[1])
    padded = [
        np.pad(rows.success, ((0, 0), (0, width - rows.success.shape[1])), constant_values=np.nan)
        for rows in (first, second)
    ]
    return Rows(np.concatenate(padded), np.concatenate([first.points, second.points]))


def _random_folds(n: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(n) % min(N_FOLDS, n)
