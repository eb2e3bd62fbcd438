"""Learning-rate sensitivity: how much a learning rate picked blindly costs, against the best one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tune_stability.analysis.curve import BANDWIDTHS
from tune_stability.analysis.interval import Interval, check_level
from tune_stability.errors import UserError

Array = NDArray[np.float64]

ENOUGH_RATES, ENOUGH_TRIALS = 32, 96
_PLACES = 101
_RIDGE = 1e-3
UNDERSMOOTHED = 0.7


def learning_rate_sensitivity(
    scores: ArrayLike,
    learning_rates: ArrayLike,
    rng: np.random.Generator,
    *,
    floor: float,
    limits: tuple[float, float] | None = None,
    level: float = 0.95,
    n_draws: int = 1000,
) -> Interval:
    """The best mean score of any learning rate less the mean over the range, in the score's own units.

    `scores`: shape `(n_configs, n_seeds)`, higher is better, NaN for a missing trial and `-inf` for one that diverged.
    `learning_rates`: shape `(n_configs,)`, above 0. `floor`: the score without training, as of the majority class; a
    worse one counts as that. `limits`: the ends of the range; by default the smallest and largest rate given.

    Wortsman et al. (2023, section 2.2) define it for a loss: the mean over learning rates, uniform in their
    logarithm, of `min(loss, loss at initialization)`, less the loss at the best learning rate. Here scores take the
    place of losses, so the sign is turned, and several seeds that of one: the mean over them.

    Model-based: the mean score is a smooth curve in `log10(learning_rate)`, fitted by local linear regression, whose
    integral is the mean. The highest of many estimates is too high, the more so on a plateau, and so is the estimate.
    The lower limit allows for that by Gaussian draws of the curve's error at all places where its maximum may be
    (intersection bounds of Chernozhukov, Lee and Rosen 2013, section 3); the upper one is the highest of the limits at
    single places, which on a plateau is safe and wide. The error is that of configurations around the curve, so it
    holds the seeds' and what other hyperparameters bring. The curve is fitted with less smoothing than predicts best,
    so that it does not cut off peaks. Coverage: `experiments/coverage/points.py`.

    Raises `UserError` for arrays of the wrong shape or learning rates or limits that are not above 0.
    """
    check_level(level)
    values, x, (start, end) = _checked(scores, learning_rates, floor, limits)
    present = ~np.isnan(values)
    kept = present.any(axis=1)
    counts = present[kept].sum(axis=1).astype(float)
    means = np.where(present[kept], np.maximum(values[kept], floor), 0.0).sum(axis=1) / counts
    order = np.lexsort((means, x[kept]))
    x, means, counts = x[kept][order], means[order], counts[order]
    method = "model-based, local fit, intersection bounds"
    known = (level, len(x), int(present.sum()), int(values.size - present.sum()), method)
    n_rates = len(np.unique(x))
    if n_rates < 3:
        note = f"{n_rates} learning rates are too few for a curve; run at least {ENOUGH_RATES}."
        return Interval(math.nan, 0.0, math.inf, *known).distrusted(note)

    places = np.linspace(start, end, _PLACES)
    at_places, errors = _fit(x, means, counts, places)
    inner = np.ones(_PLACES)
    inner[[0, -1]] = 0.5
    above_mean = at_places - inner @ at_places / inner.sum()
    curve = above_mean @ means
    deviation = np.sqrt(above_mean**2 @ errors**2)
    if not deviation.max() > 1e-9 * max(1.0, float(np.abs(means).max())):
        value = max(float(curve.max()), 0.0)
        value = 0.0 if value < 1e-9 else value
        note = "The scores lie on the fitted curve, so nothing tells its error."
        return Interval(value, 0.0, math.inf, *known).distrusted(note)
    deviation = np.maximum(deviation, 1e-9 * deviation.max())
    noise = rng.standard_normal((n_draws, len(x))) @ (above_mean * errors / deviation[:, None]).T
    estimate, low, high = _maximum(curve, deviation, noise, level, len(x))
    found = Interval(estimate, max(min(low, estimate), 0.0), high, *known)
    if n_rates < ENOUGH_RATES or known[2] < ENOUGH_TRIALS:
        note = f"{n_rates} learning rates and {known[2]} trials are too few for the height of the curve; run at least "
        found = found.distrusted(f"{note}{ENOUGH_RATES} and {ENOUGH_TRIALS}.")
    return found.judged_by_missing()


def _maximum(curve: Array, deviation: Array, noise: Array, level: float, n: int) -> tuple[float, float, float]:
    """The maximum of a curve known with error, and its limits."""

    def below(share: float, of: NDArray[np.bool_]) -> float:
        return float((curve - np.quantile(noise[:, of].max(axis=1), share) * deviation)[of].max())

    everywhere = np.ones(len(curve), dtype=bool)
    strict = 1 - 0.1 / math.log(max(n, 3))
    wide = float(np.quantile(noise.max(axis=1), strict))
    near = curve >= below(strict, everywhere) - 2 * wide * deviation
    high = (curve + stats.t.ppf(0.5 + level / 2, max(n - 4, 1)) * deviation).max()
    return max(float(curve.max()), 0.0), below(0.5 + level / 2, near), float(high)


def _fit(x: Array, means: Array, counts: Array, places: Array) -> tuple[Array, Array]:
    """Weights of the means in the fit at `places`, shape `(n_places, n)`, and each mean's error, shape `(n,)`.

    The bandwidth is the one of smallest squared error with one configuration left out. Errors are what is left out
    misses by, smoothed over neighbours.
    """
    best = (math.inf, BANDWIDTHS[-1], means)
    for bandwidth in BANDWIDTHS:
        hat = _weights(x, counts, x, bandwidth)
        missed = (means - hat @ means) / np.maximum(1 - np.diagonal(hat), 0.05)
        error = float(counts @ missed**2)
        if error < best[0]:
            best = (error, bandwidth, missed)
    _, bandwidth, missed = best
    near = np.exp(-0.5 * ((x[:, None] - x) / (2 * bandwidth)) ** 2)
    errors = np.sqrt(near @ missed**2 / near.sum(axis=1))
    return _weights(x, counts, places, UNDERSMOOTHED * bandwidth), errors


def _weights(x: Array, counts: Array, places: Array, bandwidth: float) -> Array:
    """Local linear regression with a Gaussian kernel (Fan and Gijbels 1996), its slope shrunk a little."""
    far = np.abs(x - places[:, None])
    # At least wide enough to reach a third neighbour with some weight, where configurations are scarce.
    reach = np.partition(far, 2, axis=1)[:, 2:3] / 2
    z = (x - places[:, None]) / np.maximum(reach, bandwidth)
    kernel = counts * (np.exp(-0.5 * z**2) + 1e-9)
    s0, s1 = kernel.sum(axis=1, keepdims=True), (kernel * z).sum(axis=1, keepdims=True)
    s2 = (kernel * z**2).sum(axis=1, keepdims=True) + _RIDGE * s0
    return np.asarray(kernel * (s2 - s1 * z) / (s2 * s0 - s1**2))


def _checked(
    scores: ArrayLike, learning_rates: ArrayLike, floor: float, limits: tuple[float, float] | None
) -> tuple[Array, Array, tuple[float, float]]:
    values, rates = np.asarray(scores, dtype=float), np.asarray(learning_rates, dtype=float)
    if values.ndim != 2:
        raise UserError(f"scores must have shape (n_configs, n_seeds), received {values.shape}.")
    if (values == np.inf).any():
        raise UserError("scores must be below infinity; NaN stands for a missing trial, -inf for a diverged one.")
    if rates.shape != (len(values),):
        raise UserError(f"learning_rates must have shape ({len(values)},), received {rates.shape}.")
    if not (np.isfinite(rates).all() and (rates > 0).all()):
        raise UserError("learning_rates must be finite and above 0; drop the configurations that are not.")
    if not math.isfinite(floor):
        raise UserError(f"floor must be a finite score, received {floor!r}; give that of the majority class.")
    if limits is None:
        limits = (rates.min(), rates.max()) if len(rates) else (1e-8, 1.0)
    if not 0 < limits[0] <= limits[1] < math.inf:
        raise UserError(f"limits must rise, be above 0 and finite, received {limits!r}.")
    return values, np.log10(rates), (math.log10(limits[0]), math.log10(limits[1]))
