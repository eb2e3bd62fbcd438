"""A smooth curve through success rates along one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BANDWIDTHS = (0.08, 0.12, 0.18, 0.27, 0.4, 0.6)
"""Candidate standard deviations of the kernel, in units of the axis (decades for a learning rate)."""
_RIDGE = 0.02


@dataclass(frozen=True)
class FittedCurve:
    """The fit at `places`, as `values`, and at the data, as `at_data`, both in [0, 1], with the bandwidth used."""

    x: Array
    places: Array
    bandwidth: float
    values: Array
    at_data: Array

    def refit(self, wins: Array, counts: Array) -> Array:
        """The fit at `places` of other data at the same `x`; of shape `(n_resamples, n)`, `counts` perhaps `(1, n)`."""
        return _local_linear(self.x, wins, counts, self.places, self.bandwidth)

    def narrower(self, wins: Array, counts: Array, times: Array, factor: float) -> FittedCurve:
        """The fit of the same data, as `fit_curve` got them, with `factor` times the bandwidth."""
        bandwidth, data = factor * self.bandwidth, ((times * wins)[None], (times * counts)[None])
        at_data, values = (_local_linear(self.x, *data, places, bandwidth)[0] for places in (self.x, self.places))
        return FittedCurve(self.x, self.places, bandwidth, values, at_data)

    def effective(self, counts: Array, times: Array, by_configuration: bool) -> Array:
        """How many independent observations would know the value at each of `places` as well: shape `(n_places,)`.

        Data as `fit_curve` got them. Each trial is an observation, or each configuration, as if its trials came out
        alike.
        """
        kernel, k1, k2 = _kernels(self.x, self.places, self.bandwidth)
        s0, s1, s2 = ((times * counts) @ sums for sums in (kernel, k1, k2))
        s2 = s2 + _RIDGE * s0
        # The value is a sum of the outcomes with these weights, one for each trial at x.
        weights = (s2 * kernel - s1 * k1) / (s2 * s0 - s1**2)
        squares = counts**2 if by_configuration else counts
        return np.asarray(1 / ((times * squares) @ weights**2))


def fit_curve(x: Array, wins: Array, counts: Array, places: Array, times: Array | None = None) -> FittedCurve:
    """Local linear regression with a Gaussian kernel (Fan and Gijbels 1996).

    `x`, `wins`, `counts`: shape `(n,)`, per configuration its place, successes and trials; `times`, of the same
    shape, how many configurations are like it, one by default. The bandwidth is the
    candidate with the smallest leave-one-configuration-out squared error; where data are scarce it is wider, half the
    distance to the third nearest place with data. The slope is shrunk a little, which keeps the fit finite there.
    """
    times = np.ones(len(x)) if times is None else times
    bandwidth = min(BANDWIDTHS, key=lambda width: _left_out_error(x, wins, counts, times, width))
    all_wins, all_counts = (times * wins)[None], (times * counts)[None]
    at_data = _local_linear(x, all_wins, all_counts, x, bandwidth)[0]
    values = _local_linear(x, all_wins, all_counts, places, bandwidth)[0]
    return FittedCurve(x, places, bandwidth, values, at_data)


def _left_out_error(x: Array, wins: Array, counts: Array, times: Array, bandwidth: float) -> float:
    """The squared error of each configuration's rate as predicted by the others."""
    kernel, k1, k2 = _kernels(x, x, bandwidth)
    # At its own place a configuration has weight only in the sums of order 0.
    own = np.diagonal(kernel)
    all_wins, all_counts = times * wins, times * counts
    s0, s1, s2 = all_counts @ kernel - own * counts, all_counts @ k1, all_counts @ k2
    predicted = _solve(s0, s1, s2, all_wins @ kernel - own * wins, all_wins @ k1)
    return float((all_counts * (wins / counts - predicted) ** 2).sum())


def _local_linear(x: Array, wins: Array, counts: Array, places: Array, bandwidth: float) -> Array:
    """Fits at `places`, shape `(n_fits, n_places)`, of `n_fits` data sets that share `x`, and perhaps one `counts`."""
    kernel, k1, k2 = _kernels(x, places, bandwidth)
    return _solve(counts @ kernel, counts @ k1, counts @ k2, wins @ kernel, wins @ k1)


def _kernels(x: Array, places: Array, bandwidth: float) -> tuple[Array, Array, Array]:
    """Weights of the data at `places`, and these times the distance once and twice; shape `(n, n_places)`."""
    distinct = np.unique(x)
    third = min(2, len(distinct) - 1)
    reach = np.partition(np.abs(distinct[:, None] - places), third, axis=0)[third] / 2
    z = (x[:, None] - places[None, :]) / np.maximum(reach, bandwidth)
    # A floor instead of zero weights far away: a resample may have no data near a place.
    kernel = np.exp(-0.5 * z**2) + 1e-9
    return kernel, kernel * z, kernel * z**2


def _solve(s0: Array, s1: Array, s2: Array, t0: Array, t1: Array) -> Array:
    s2 = s2 + _RIDGE * s0
    return np.asarray(np.clip((s2 * t0 - s1 * t1) / (s2 * s0 - s1**2), 0.0, 1.0))
