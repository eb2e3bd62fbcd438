"""The variance of a plain mean over the points of a design, by a random-field model of what is averaged.

Intervals that assume independent configurations are far too wide for a Sobol design: its points fill the space
evenly, so the part of the success probability that changes slowly is averaged almost exactly. How much is left
depends on how fast the probability changes, which the data tell.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

Array = NDArray[np.float64]

N_FIELDS = 32
"""Covariance functions of each smoothness over which the variance is averaged."""
LENGTHS = (0.1, 5.0)
"""Shortest and longest correlation length, in widths of the space."""
N_LIKELIHOOD = 128
"""Points that enter the likelihood, a fixed random subset of more; all enter the variance."""
NOISE_SHARES = (0.3, 0.5, 0.7, 0.9)
"""With one seed each: shares of the variance that may be noise. Lower ones made intervals too narrow in simulation."""
_JITTER = 1e-6


class Geometry:
    """What the points of a design, shape `(n_configs, n_axes)` in the unit cube, say about their mean.

    `error[k]` is the variance of (mean of a field over the points - mean of that field over the cube), for a
    field of unit variance and the k-th covariance function; `correlation[k]` is its matrix over the points `used`
    in the likelihood. The first half of the covariance functions is exponential, the second Matern 3/2.
    """

    def __init__(self, points: Array) -> None:
        # Every k-th point would not do: a Sobol sequence is periodic and a grid is sorted.
        order = np.random.default_rng(0).permutation(len(points))
        self.used = order[:N_LIKELIHOOD] if len(points) > N_LIKELIHOOD else np.arange(len(points))
        lengths = _lengths(points.shape[1])
        near = _distances(points[self.used])
        self.correlation = np.concatenate([_correlation(near, lengths, smooth) for smooth in (False, True)])
        if len(self.used) == len(points):
            own = self.correlation.mean(axis=(1, 2))
        else:
            every = _distances(points)
            # One at a time, because all together may not fit in memory.
            own = np.array(
                [_correlation(every, row[None], smooth).mean() for smooth in (False, True) for row in lengths]
            )
        places = points[None, :, :]
        to_cube = [
            (_primitive(places, lengths[:, None], smooth) + _primitive(1 - places, lengths[:, None], smooth))
            .prod(axis=2)
            .mean(axis=1)
            for smooth in (False, True)
        ]
        inside = [_within_line(lengths, smooth).prod(axis=1) for smooth in (False, True)]
        self.error = np.maximum(own - 2 * np.concatenate(to_cube) + np.concatenate(inside), 0.0)


def mean_variance(geometry: Geometry, values: Array, noise: Array | None) -> float:
    """The variance of `values.mean()` as an estimate of the mean over the cube.

    `values`, shape `(n_configs,)`, are configuration means; `noise`, of the same shape, their variances over
    seeds, or None if one seed each cannot tell, and then the share of noise is averaged over as well.

    Model: value = mean + field + noise, with a Gaussian field of separable covariance, exponential or Matern 3/2
    in each axis. The variance is an average over both smoothnesses and over correlation lengths, weighted by
    their likelihood (a Bayesian model average with a log-uniform prior of the lengths), because a few dozen
    configurations fit many of them. The variance of the mean under one of them is the average-case error of
    Sacks and Ylvisaker (1970). Separable fields vary along the axes, which suits Sobol points, so the variance
    is too small where the values jump across an oblique or curved boundary.
    """
    n = len(values)
    total = float(values.var(ddof=1))
    if total == 0:
        return 0.0 if noise is None else float(noise.mean()) / n
    if noise is None:
        results = [_fit(geometry, values, np.full(n, share * total)) for share in NOISE_SHARES]
        likelihood = np.concatenate([result[0] for result in results])
        variance = np.concatenate([result[1] for result in results])
    else:
        likelihood, variance = _fit(geometry, values, noise)
    weights = np.exp(likelihood - likelihood.max())
    return float(weights @ variance / weights.sum())


def _fit(geometry: Geometry, values: Array, noise: Array) -> tuple[Array, Array]:
    """Log likelihood and variance of the mean under each covariance function."""
    n, used = len(values), len(geometry.used)
    correlation = geometry.correlation
    # The field's variance is what the spread of the values leaves after the noise, given how alike near points are.
    spread = (1 - correlation.mean((1, 2))) * used / (used - 1)
    total = float(values.var(ddof=1))
    field = max(total - float(noise.mean()), 0.02 * total) / spread
    covariance = field[:, None, None] * correlation
    covariance[:, np.arange(used), np.arange(used)] += noise[geometry.used] + _JITTER
    right = np.stack([values[geometry.used], np.ones(used)], axis=1)
    solved = np.linalg.solve(covariance, np.broadcast_to(right, (len(covariance), used, 2)))
    yy, oy, oo = solved[:, :, 0] @ right[:, 0], solved[:, :, 0].sum(1), solved[:, :, 1].sum(1)
    log_det = 2 * np.log(np.diagonal(np.linalg.cholesky(covariance), axis1=1, axis2=2)).sum(1)
    # The unknown mean is integrated out (restricted likelihood).
    likelihood = -0.5 * (log_det + np.log(oo) + yy - oy**2 / oo)
    return likelihood, noise.mean() / n + field * geometry.error


@functools.cache
def _lengths(n_axes: int) -> Array:
    """Correlation lengths, shape `(N_FIELDS, n_axes)`; a fixed space-filling set, so that nothing is random."""
    points = qmc.Sobol(n_axes, scramble=True, rng=0).random(N_FIELDS)
    shortest, longest = LENGTHS
    return np.asarray(shortest * (longest / shortest) ** points)


def _distances(points: Array) -> list[Array]:
    """Per axis, the distances between all points, each of shape `(n_configs, n_configs)`."""
    return [np.abs(x[:, None] - x[None, :]) for x in points.T]


def _correlation(distances: list[Array], lengths: Array, smooth: bool) -> Array:
    """Correlation matrices, shape `(n_lengths, n_configs, n_configs)`."""
    scale = math.sqrt(3) if smooth else 1.0
    scaled = [distance * (scale / lengths[:, j, None, None]) for j, distance in enumerate(distances)]
    result: Array = np.exp(-sum(scaled))
    for distance in scaled if smooth else ():
        result *= 1 + distance
    return result


def _primitive(t: Array, length: Array, smooth: bool) -> Array:
    """The correlation with a place, integrated up to the distance t from it."""
    if not smooth:
        return np.asarray(length * (1 - np.exp(-t / length)))
    a = math.sqrt(3) / length
    return np.asarray((2 / a) * (1 - np.exp(-a * t)) - t * np.exp(-a * t))


def _within_line(length: Array, smooth: bool) -> Array:
    """The mean correlation between two independent uniform places in [0, 1]."""
    if not smooth:
        return np.asarray(2 * length - 2 * length**2 * (1 - np.exp(-1 / length)))
    a = math.sqrt(3) / length
    e = np.exp(-a)
    return np.asarray(2 * ((2 / a) * (1 - e) - e - (3 - e * (a * a + 3 * a + 3)) / a**2))
