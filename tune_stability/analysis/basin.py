"""The learning-rate basin: the learning rates at which a recipe succeeds with probability at least tau."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tune_stability.analysis.curve import FittedCurve, fit_curve
from tune_stability.analysis.interval import Interval, missing_note
from tune_stability.analysis.region_mean import check_success
from tune_stability.analysis.success_rate import wilson
from tune_stability.errors import UserError

Array = NDArray[np.float64]
Resampled = Literal["configurations", "seeds"]

FEW_RATES, FEW_TRIALS = 5, 64
MANY_BROKEN, CLEARLY_ABOVE = 0.1, 0.3
_PLACES = 161
MANY_CONFIGS, _NEAR = 2000, 0.01
"""From so many configurations on, learning rates are rounded to so many decades, an eighth of the least bandwidth."""
_BLOCK = 500
"""Resamples at a time, which bounds the memory."""


@dataclass(frozen=True)
class Basin:
    """Both edges in learning-rate units and the width in decades, at level `tau`; model-based.

    Without a basin both edges are NaN, and the width is 0. An edge that is not inside the range is put at
    the range's end, and the width is then a lower bound.
    """

    lower: Interval
    upper: Interval
    width: Interval
    tau: float
    found: bool
    lower_inside: bool
    upper_inside: bool


def learning_rate_basin(
    success: ArrayLike,
    learning_rates: ArrayLike,
    rng: np.random.Generator,
    *,
    tau: float = 0.5,
    limits: tuple[float, float] | None = None,
    resampled: Resampled = "configurations",
    level: float = 0.95,
    n_resamples: int = 1000,
) -> Basin:
    """The widest stretch of learning rates where the fitted success probability is at least `tau`.

    `success`: shape `(n_configs, n_seeds)`, 1, 0 or NaN (missing). `learning_rates`: shape `(n_configs,)`, above 0.
    `limits`: the ends of the range searched; by default the smallest and largest learning rate given.

    Model-based: the probability is a smooth curve in `log10(learning_rate)` (`curve.fit_curve`), averaged over
    whatever else varies. Edges are found by linear interpolation. Intervals are percentiles of the bootstrap:
    `configurations` draws configurations with replacement and keeps their seeds whole, for configurations that
    vary in other hyperparameters too; `seeds` keeps the configurations and draws each one's trials anew from the
    fitted curve (a parametric bootstrap, which also serves one seed), for learning rates on a grid or alone.
    No interval of an edge is narrower than the distance between the learning rates on both sides of it, because it
    may lie anywhere between; so on a coarse grid they cover in more than their level. They are marked as not
    trustworthy with fewer than 64 trials, for an edge outside the range, and where the success probability inside may
    be little above tau, because smoothing then moves the edges. Coverage: `experiments/coverage/basin.py`.

    Raises `UserError` for arrays of the wrong shape, a learning rate not above 0, tau outside (0, 1), or no resamples.
    """
    if n_resamples < 1:
        raise UserError(f"n_resamples must be at least 1, received {n_resamples}; 1000 is usual.")
    values, x, (start, end) = _checked(success, learning_rates, tau, limits)
    present = ~np.isnan(values)
    kept = present.any(axis=1)
    x, counts = x[kept], present[kept].sum(axis=1).astype(float)
    wins = np.where(present[kept], values[kept], 0.0).sum(axis=1)
    missing = int(values.size - present.sum())
    known = (level, len(x), int(present.sum()), missing, f"model-based, local fit, bootstrap over {resampled}")
    if len(np.unique(x)) < FEW_RATES:
        note = f"{len(np.unique(x))} learning rates are too few for a basin; run at least {FEW_RATES}."
        edge = Interval(np.nan, 10**start, 10**end, *known).distrusted(note)
        width = Interval(np.nan, 0.0, end - start, *known).distrusted(note)
        return Basin(edge, edge, width, tau, False, False, False)

    places = np.linspace(start, end, _PLACES)
    x, wins, counts, times = alike(x, wins, counts)
    curve = fit_curve(x, wins, counts, places, times)
    estimate = _edges(curve.values[None], places, tau)[0]
    resamples = np.concatenate(
        [
            _resample(curve, wins, counts, times, resampled, min(_BLOCK, n_resamples - start), rng)
            for start in range(0, n_resamples, _BLOCK)
        ]
    )
    draws, broken = _edges(resamples, places, tau), float((_stretches(resamples, tau) != 1).mean())
    exist = ~np.isnan(draws[:, 0])
    gaps = [_gap(edge, x, (start, end)) for edge in estimate]
    lower = _edge(10 ** estimate[0], 10 ** draws[exist, 0], (10**start, 10**end), known, 10 ** gaps[0])
    upper = _edge(10 ** estimate[1], 10 ** draws[exist, 1], (10**start, 10**end), known, 10 ** gaps[1])
    found = not np.isnan(estimate[0])
    span = np.where(exist, draws[:, 1] - draws[:, 0], 0.0)
    low, high = _percentiles(span, level)
    if found:
        low, high = min(low, max(gaps[1][0] - gaps[0][1], 0.0)), max(high, gaps[1][1] - gaps[0][0])
    width = Interval(float(estimate[1] - estimate[0]) if found else 0.0, low, high, *known)
    if not found:
        note = f"The fitted success probability is nowhere as high as {tau:g}."
        # One that is narrower than the learning rates lie apart would not have been seen.
        apart = float(np.diff(np.unique(np.append(x, (start, end)))).max())
        width = dataclasses.replace(width, high=max(width.high, apart))
        if known[2] < FEW_TRIALS:
            width = width.distrusted(f"{known[2]} trials are too few for a basin; run at least {FEW_TRIALS}.")
        elif exist.mean() > 1 - level:
            width = width.distrusted(f"{exist.mean():.0%} of the resamples have a basin.")
        width = width.judged_by_missing()
        return Basin(lower.distrusted(note), upper.distrusted(note), width, tau, False, False, False)
    doubts = list(filter(None, [missing_note(known[2], missing)]))
    if known[2] < FEW_TRIALS:
        doubts.append(f"{known[2]} trials are too few for a basin; run at least {FEW_TRIALS}.")
    inside = (x >= estimate[0]) & (x <= estimate[1])
    n_inside = float((times * counts)[inside].sum())
    quantile = float(stats.norm.ppf(0.5 + level / 2))
    least = wilson(float((times * wins)[inside].sum()) / n_inside, n_inside, quantile)[0] if n_inside else 0.0
    if broken > MANY_BROKEN or least < tau + CLEARLY_ABOVE * (1 - tau):
        doubts.append(
            f"Inside, the success probability may hardly be above {tau:g}, so that smoothing moves the edges."
        )
    if doubts:
        lower, upper, width = (one.distrusted(" ".join(doubts)) for one in (lower, upper, width))
    lower_inside, upper_inside = bool(estimate[0] > start), bool(estimate[1] < end)
    outside = f"The success probability is still at least {tau:g} at the {{}} end of the range; the edge lies outside."
    if not lower_inside:
        lower, width = lower.distrusted(outside.format("lower")), width.distrusted("The width is a lower bound.")
    if not upper_inside:
        upper = upper.distrusted(outside.format("upper"))
        width = width if not lower_inside else width.distrusted("The width is a lower bound.")
    return Basin(lower, upper, width, tau, True, lower_inside, upper_inside)


def _resample(
    curve: FittedCurve,
    wins: Array,
    counts: Array,
    times: Array,
    resampled: Resampled,
    n_resamples: int,
    rng: np.random.Generator,
) -> Array:
    """Fitted curves of resampled data, shape `(n_resamples, n_places)`."""
    n = int(times.sum())
    if resampled == "seeds":
        trials = times * counts
        drawn = rng.binomial(trials.astype(int), curve.at_data, size=(n_resamples, len(wins))).astype(float)
        return curve.refit(drawn, trials[None])
    drawn_times = rng.multinomial(n, times / n, size=n_resamples)
    return curve.refit(drawn_times * wins, drawn_times * counts)


def alike(x: Array, wins: Array, counts: Array) -> tuple[Array, Array, Array, Array]:
    """The configurations, and how many are like each: of many, those at almost one learning rate are taken together."""
    if len(x) <= MANY_CONFIGS:
        return x, wins, counts, np.ones(len(x))
    rows = np.stack([np.round(x / _NEAR) * _NEAR, wins, counts], axis=1)
    distinct, times = np.unique(rows, axis=0, return_counts=True)
    return distinct[:, 0], distinct[:, 1], distinct[:, 2], times.astype(float)


def _stretches(curves: Array, tau: float) -> NDArray[np.int_]:
    """How many stretches of each curve are at or above tau."""
    above = np.pad(curves >= tau, ((0, 0), (1, 0)))
    return np.asarray((above[:, 1:] & ~above[:, :-1]).sum(axis=1))


def _edges(curves: Array, places: Array, tau: float) -> Array:
    """Both edges of the widest stretch at or above tau of each curve, shape `(n_curves, 2)`; NaN without one."""
    result = np.full((len(curves), 2), np.nan)
    change = np.diff(np.pad(curves >= tau, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    # Stretches of all curves, in the order of the curves and then from left to right.
    rows, starts = np.nonzero(change == 1)
    ends = np.nonzero(change == -1)[1] - 1
    widest = np.lexsort((starts, starts - ends, rows))
    found, first = np.unique(rows[widest], return_index=True)
    starts, ends = starts[widest][first], ends[widest][first]
    for side, (inner, outer) in enumerate(((starts, starts - 1), (ends, ends + 1))):
        at_end = (outer < 0) | (outer == len(places))
        outer = np.where(at_end, inner, outer)
        high, low = curves[found, inner], curves[found, outer]
        share = np.divide(high - tau, high - low, out=np.zeros_like(high), where=~at_end)
        result[found, side] = places[inner] + share * (places[outer] - places[inner])
    return result


def _gap(edge: float, x: Array, limits: tuple[float, float]) -> Array:
    """The places with data, or ends of the range, next to an edge on both sides: it may lie anywhere between."""
    places = np.unique(np.clip(np.append(x, limits), *limits))
    right = int(np.clip(np.searchsorted(places, edge), 1, len(places) - 1)) if len(places) > 1 else 0
    return places[[max(right - 1, 0), right]]


def _edge(
    estimate: float,
    draws: Array,
    limits: tuple[float, float],
    known: tuple[float, int, int, int, str],
    gap: Array,
) -> Interval:
    low, high = _percentiles(draws, known[0]) if len(draws) else limits
    if not np.isnan(estimate):
        low, high = min(low, float(gap[0])), max(high, float(gap[1]))
    return Interval(float(estimate), low, high, *known)


def _percentiles(draws: Array, level: float) -> tuple[float, float]:
    low, high = np.quantile(draws, (0.5 - level / 2, 0.5 + level / 2))
    return float(low), float(high)


def _checked(
    success: ArrayLike, learning_rates: ArrayLike, tau: float, limits: tuple[float, float] | None
) -> tuple[Array, Array, tuple[float, float]]:
    values, rates = check_success(success), np.asarray(learning_rates, dtype=float)
    if rates.shape != (len(values),):
        raise UserError(f"learning_rates must have shape ({len(values)},), received {rates.shape}.")
    if not (np.isfinite(rates).all() and (rates > 0).all()):
        raise UserError("learning_rates must be finite and above 0; drop the configurations that are not.")
    if not 0 < tau < 1:
        raise UserError(f"tau is a probability and must lie in (0, 1), received {tau!r}.")
    if limits is None:
        limits = (rates.min(), rates.max()) if len(rates) else (1e-8, 1.0)
    if not 0 < limits[0] <= limits[1] < np.inf:
        raise UserError(f"limits must rise, be above 0 and finite, received {limits!r}.")
    return values, np.log10(rates), (float(np.log10(limits[0])), float(np.log10(limits[1])))
