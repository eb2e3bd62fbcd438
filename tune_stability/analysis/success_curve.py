"""The success probability against the learning rate, with a band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tune_stability.analysis.basin import FEW_RATES, Resampled, alike
from tune_stability.analysis.curve import fit_curve
from tune_stability.analysis.region_mean import check_success
from tune_stability.analysis.success_rate import wilson

Array = NDArray[np.float64]

MANY_CONFIGS = 64
"""From so many configurations on, the band covers as often as it says."""
_NARROWER = 0.5
_TOO_FEW = "the band is too narrow where success changes between two learning rates."


@dataclass(frozen=True)
class SuccessCurve:
    """The fitted success probability at each of `learning_rates`, model-based, all of shape `(n_places,)`.

    `low` and `high` are a band that holds at each learning rate for itself, not at all at once; `note` says where it
    may be too narrow.
    """

    learning_rates: Array
    probability: Array
    low: Array
    high: Array
    level: float
    note: str


def success_curve(
    success: ArrayLike,
    learning_rates: ArrayLike,
    limits: tuple[float, float],
    *,
    observed: Resampled = "configurations",
    level: float = 0.95,
    n_places: int = 121,
) -> SuccessCurve | None:
    """The curve whose edges `learning_rate_basin` tells, averaged over whatever else varies; None with too few rates.

    `success`: shape `(n_configs, n_seeds)`, 1, 0 or NaN (missing). `learning_rates`: shape `(n_configs,)`, above 0.
    `limits`: the ends of the curve. `observed` are what is independent: `seeds` where configurations differ in the
    learning rate alone, else `configurations`.

    The band is Wilson's interval at as many observations as the local fit rests on, with half the fit's bandwidth: the
    fit's own leaves out that smoothing moves it. From 64 configurations on it holds the truth, to a point, at 95 to
    100 % of the learning rates by shape and size, 97 % on average; with 16 by 5 seeds at 77 to 98 %, because a steep
    edge may lie anywhere between two of them, and `note` says so. A bootstrap's band holds it at 85 % on average, for
    trials that all come out alike have no spread to resample (`experiments/coverage/curve.py`).
    """
    values, rates = check_success(success), np.asarray(learning_rates, dtype=float)
    present = ~np.isnan(values)
    kept = present.any(axis=1)
    x, counts = np.log10(rates[kept]), present[kept].sum(axis=1).astype(float)
    wins = np.where(present[kept], values[kept], 0.0).sum(axis=1)
    if len(np.unique(x)) < FEW_RATES:
        return None
    x, wins, counts, times = alike(x, wins, counts)
    places = np.linspace(np.log10(limits[0]), np.log10(limits[1]), n_places)
    curve = fit_curve(x, wins, counts, places, times)
    close = curve.narrower(wins, counts, times, _NARROWER)
    observations = close.effective(counts, times, observed == "configurations")
    quantile = float(stats.norm.ppf(0.5 + level / 2))
    ends = np.array([wilson(float(p), float(n), quantile) for p, n in zip(close.values, observations, strict=True)])
    low, high = np.minimum(ends[:, 0], curve.values), np.maximum(ends[:, 1], curve.values)
    note = "" if kept.sum() >= MANY_CONFIGS else f"With {kept.sum()} configurations {_TOO_FEW}"
    return SuccessCurve(10**places, curve.values, low, high, level, note)
