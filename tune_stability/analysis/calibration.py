"""Whether the fitted surface can be believed: its predictions for configurations that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region_mean import check_points, check_success
from tune_stability.analysis.success_rate import FEW_CONFIGS, success_rate, t_quantile
from tune_stability.analysis.surface import fit_surface
from tune_stability.errors import UserError

Array = NDArray[np.float64]

BIN_EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class ReliabilityBin:
    """The held-out configurations whose predicted probability lies in `[low, high)`, the last bin with its end.

    `predicted`: the mean of their predictions. `observed`: the success rate of their trials.
    """

    low: float
    high: float
    predicted: float
    observed: Interval


@dataclass(frozen=True)
class Calibration:
    """Held-out losses of the surface and of the reference, the rate of all trials that the surface was fitted to.

    Log loss is in nats, Brier score a squared error; both are means over configurations of means over their trials.
    The gains are the reference's loss minus the surface's: above 0 the surface predicts better. `bins` holds those
    that are not empty.
    """

    log_loss: float
    brier: float
    reference_log_loss: float
    reference_brier: float
    log_loss_gain: Interval
    brier_gain: Interval
    bins: tuple[ReliabilityBin, ...]
    n_folds: int


def calibrate(
    success: ArrayLike, points: ArrayLike, rng: np.random.Generator, *, n_folds: int = 5, level: float = 0.95
) -> Calibration:
    """Cross-validate the fitted surface over configurations; the seeds of one are never split.

    `success`: shape `(n_configs, n_seeds)`, 1, 0 or NaN (missing). `points`: shape `(n_configs, n_axes)` in the unit
    cube. `rng` draws the folds, of which there are no more than configurations. The reference is the rate of the
    trials outside the fold, with Jeffreys' half trials, which keep its log loss finite.

    The intervals of the gains are Student's over configurations, with the variance times 1 + k / (k - 1) for k folds,
    because folds share what they are fitted to (the correction of Nadeau and Bengio 2003). They generalize to new
    configurations and seeds, given as many configurations as here, less a fold.

    Raises `UserError` for arrays of the wrong shape or content, fewer than two configurations with an outcome, or fewer
    than two folds.
    """
    values = check_success(success)
    places = check_points(points, len(values))
    kept = ~np.isnan(values).all(axis=1)
    n = int(kept.sum())
    if n_folds < 2:
        raise UserError(f"n_folds must be at least 2, received {n_folds}.")
    if n < 2:
        raise UserError(f"calibration needs at least 2 configurations with an outcome, received {n}; run more.")
    own, places = values[kept], places[kept]
    fold = rng.permutation(np.arange(n) % min(n_folds, n))
    predicted, reference = np.empty(n), np.empty(n)
    for number in range(fold.max() + 1):
        out = fold == number
        predicted[out] = fit_surface(own[~out], places[~out]).probability(places[out])
        reference[out] = (np.nansum(own[~out]) + 0.5) / ((~np.isnan(own[~out])).sum() + 1.0)
    rate = np.nanmean(own, axis=1)
    losses = [loss(p, rate) for loss in (_log_loss, _brier) for p in (predicted, reference)]
    n_trials = int((~np.isnan(own)).sum())
    used = int(fold.max()) + 1
    shape = (n, n_trials, values.size - n_trials, used)
    gains = [_gain(other - loss, level, shape) for loss, other in (losses[:2], losses[2:])]
    if rate.min() == rate.max() and rate[0] in (0.0, 1.0):
        gains = [gain.distrusted("All trials ended alike, so there is nothing to predict.") for gain in gains]
    return Calibration(
        log_loss=float(losses[0].mean()),
        brier=float(losses[2].mean()),
        reference_log_loss=float(losses[1].mean()),
        reference_brier=float(losses[3].mean()),
        log_loss_gain=gains[0],
        brier_gain=gains[1],
        bins=_reliability(predicted, own, level),
        n_folds=used,
    )


def _log_loss(p: Array, rate: Array) -> Array:
    """The mean log loss over a configuration's trials, of which a share `rate` succeeded: shape `(n_configs,)`."""
    loss: Array = special.xlogy(rate, p) + special.xlog1py(1 - rate, -p)
    return -loss


def _brier(p: Array, rate: Array) -> Array:
    return rate * (1 - p) ** 2 + (1 - rate) * p**2


def _gain(differences: Array, level: float, shape: tuple[int, int, int, int]) -> Interval:
    n_configs, n_trials, missing, n_folds = shape
    mean, variance = float(differences.mean()), float(differences.var(ddof=1)) / n_configs
    half = t_quantile(n_configs - 1, level) * float(np.sqrt(variance * (1 + n_folds / (n_folds - 1))))
    method = f"Student with Nadeau and Bengio's correction, {n_folds} folds of configurations"
    interval = Interval(mean, mean - half, mean + half, level, n_configs, n_trials, missing, method).judged_by_missing()
    if n_configs < FEW_CONFIGS:
        return interval.distrusted(f"{n_configs} configurations are too few to tell their spread.")
    return interval


def _reliability(predicted: Array, success: Array, level: float) -> tuple[ReliabilityBin, ...]:
    place = np.searchsorted(BIN_EDGES[1:-1], predicted, side="right")
    return tuple(
        ReliabilityBin(
            BIN_EDGES[k],
            BIN_EDGES[k + 1],
            float(predicted[place == k].mean()),
            success_rate(success[place == k], level=level),
        )
        for k in np.unique(place)
    )
