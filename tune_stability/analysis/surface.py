"""The fitted surface: the probability of success at every point of the space, by a Gaussian-process classifier."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from tune_stability.analysis.laplace import Posterior, laplace
from tune_stability.analysis.region_mean import check_points, check_success
from tune_stability.errors import UserError

Array = NDArray[np.float64]

FIT_TRIALS = 200
"""Up to so many trials tell the kernel's amplitude and lengths, as the time grows with their cube."""
USED_CONFIGS = 1500
"""Up to so many configurations are predicted from, with all their trials, for the same reason."""
_BLOCK = 2048

# Priors of the kernel's hyperparameters: (mean, standard deviation) of their logarithm. They hold back a few trials
# that a plane can separate, whose likelihood alone grows with the amplitude for ever. An amplitude of 4 spans
# probabilities from 2 to 98 %; a length of 0.5 is half of an axis.
_AMPLITUDE = (np.log(4.0), 0.7)
_LENGTH = (np.log(0.5), 1.0)
_OFFSET_VARIANCE = 4.0
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(32)


@dataclass(frozen=True)
class Fit:
    """What a fitted surface predicts from: the kernel, the configurations `x` with `counts` trials, the posterior."""

    kernel: Any
    x: Array
    counts: Array
    posterior: Posterior


@dataclass(frozen=True)
class Surface:
    """A fitted success probability on the unit cube. Everything read from it is model-based.

    `n_trials` trials of `n_configs` configurations were given, `missing` of the planned ones have no outcome. `note`
    says what a reader must know of the fit. Where the data allow for nothing but a surface that is the same everywhere,
    `fit` is None and `constant` the mean and standard deviation of its logit.
    """

    n_axes: int
    n_configs: int
    n_trials: int
    missing: int
    note: str
    fit: Fit | None = None
    constant: tuple[float, float] = (0.0, 0.0)

    def probability(self, points: ArrayLike) -> Array:
        """The probability of success at `points`, shape `(n, n_axes)`, averaged over the latent: shape `(n,)`."""
        mean, sd = self.latent(points)
        return special.expit(mean[:, None] + sd[:, None] * _NODES) @ (_WEIGHTS / _WEIGHTS.sum())

    def latent(self, points: ArrayLike) -> tuple[Array, Array]:
        """Mean and standard deviation of the latent, the probability's logit, at `points`: each of shape `(n,)`."""
        places = self.check(points)
        if self.fit is None:
            return np.full(len(places), self.constant[0]), np.full(len(places), self.constant[1])
        mean, variance = np.empty(len(places)), self.fit.kernel.diag(places)
        for start in range(0, len(places), _BLOCK):
            block = slice(start, start + _BLOCK)
            cross = self.fit.kernel(self.fit.x, places[block])
            mean[block] = self.fit.posterior.mean(cross)
            variance[block] -= (self.fit.posterior.explained(cross) ** 2).sum(axis=0)
        # Rounding may take a variance a little under zero.
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def refit(self, success: ArrayLike, points: ArrayLike) -> Surface:
        """The surface of other trials with this one's amplitude and lengths; arguments as in `fit_surface`."""
        if self.fit is None:
            return fit_surface(success, points)
        x, wins, counts, missing = _counted(success, points)
        posterior = laplace(self.fit.kernel(x), wins, counts)
        return Surface(
            self.n_axes, len(x), int(counts.sum()), missing, self.note, Fit(self.fit.kernel, x, counts, posterior)
        )

    def check(self, points: ArrayLike) -> Array:
        """The points as floats. Raises `UserError` unless they are `(n, n_axes)` in the unit cube."""
        places = np.asarray(points, dtype=float)
        if places.ndim != 2 or len(places) == 0 or places.shape[1] != self.n_axes:
            raise UserError(f"points must have shape (n, {self.n_axes}) with n at least 1, received {places.shape}.")
        if not ((places >= 0) & (places <= 1)).all():
            raise UserError("points must lie in the unit cube [0, 1]; map configurations with SearchSpace.point first.")
        return places


def fit_surface(success: ArrayLike, points: ArrayLike, *, seed: int = 0) -> Surface:
    """Fit the probability of success to trials.

    `success`: shape `(n_configs, n_seeds)`, 1, 0 or NaN (missing). `points`: shape `(n_configs, n_axes)` in the unit
    cube. `seed` draws the subset where there are too many trials for all of them to be used.

    The logit of the probability is a Gaussian process: a constant plus a Gaussian kernel with a length per axis, its
    posterior by Laplace's method (Rasmussen and Williams 2006, section 3.4). Amplitude and lengths maximize
    scikit-learn's marginal likelihood, with a row per trial, times log-normal priors.

    If all trials succeed, all fail, or there is one configuration, the surface is constant: a beta posterior with
    Jeffreys' prior. As seeds of a configuration may be alike, equal outcomes count once per configuration.

    >>> surface = fit_surface([[1, 1], [1, 1], [0, 0], [0, 0]], [[0.1], [0.3], [0.7], [0.9]])
    >>> bool(surface.probability([[0.2]])[0] > 0.5 > surface.probability([[0.8]])[0])
    True

    Raises `UserError` for arrays of the wrong shape or content, and if no trial has an outcome.
    """
    x, wins, counts, missing = _counted(success, points)
    n_trials = int(counts.sum())
    shape = (x.shape[1], len(x), n_trials, missing)
    if wins.sum() in (0, n_trials):
        note = f"All trials {'succeeded' if wins.any() else 'failed'}, so the surface is constant."
        return Surface(*shape, note, None, _constant(wins / counts, np.ones(len(x))))
    if len(x) == 1:
        return Surface(*shape, "There is one configuration, so the surface is constant.", None, _constant(wins, counts))
    fit, notes = _fit(x, wins, counts, np.random.default_rng(seed))
    return Surface(*shape, " ".join(notes), fit)


def prior_kernel(n_axes: int) -> Any:
    """The logit's covariance, scikit-learn's, before any trial: amplitude and lengths in the middle of their priors."""
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel

    amplitude = ConstantKernel(np.exp(2 * _AMPLITUDE[0]), (0.1, 1e3))
    lengths = RBF(np.full(n_axes, np.exp(_LENGTH[0])), (0.02, 50.0))
    return ConstantKernel(_OFFSET_VARIANCE, "fixed") + amplitude * lengths


def _counted(success: ArrayLike, points: ArrayLike) -> tuple[Array, Array, Array, int]:
    """Where trials with an outcome are, successes and trials there, and how many trials have none."""
    values = check_success(success)
    places = check_points(points, len(values))
    counts = (~np.isnan(values)).sum(axis=1).astype(float)
    if not counts.any():
        raise UserError("no trial has an outcome, so no surface can be fitted; run some first.")
    kept = counts > 0
    return places[kept], np.nansum(values[kept], axis=1), counts[kept], values.size - int(counts.sum())


def _constant(wins: Array, counts: Array) -> tuple[float, float]:
    """Mean and standard deviation of the logit under the beta posterior with Jeffreys' prior."""
    a, b = wins.sum() + 0.5, (counts - wins).sum() + 0.5
    sd = np.sqrt(special.polygamma(1, a) + special.polygamma(1, b))
    return float(special.digamma(a) - special.digamma(b)), float(sd)


def _fit(x: Array, wins: Array, counts: Array, rng: np.random.Generator) -> tuple[Fit, list[str]]:
    """The fit to `wins` of `counts` trials at `x`, shape `(n_configs, n_axes)`, and what to note of it."""
    config = np.repeat(np.arange(len(x)), counts.astype(int))
    won = np.concatenate([np.arange(count) < win for win, count in zip(wins, counts, strict=True)])
    few = _subset(won, FIT_TRIALS, rng)
    kernel, at_end = _fitted_kernel(x[config[few]], won[few])
    notes = []
    if at_end:
        notes.append("A length or the amplitude of the surface lies at the end of its range.")
    if len(few) < len(won):
        notes.append(f"Lengths and amplitude were fitted to {len(few)} of {len(won)} trials.")
    used = _subset(wins / counts, USED_CONFIGS, rng)
    if len(used) < len(x):
        notes.append(f"The surface was fitted to {len(used)} of {len(x)} configurations.")
    x, wins, counts = x[used], wins[used], counts[used]
    return Fit(kernel, x, counts, laplace(kernel(x), wins, counts)), notes


def _fitted_kernel(x: Array, won: NDArray[np.bool_]) -> tuple[Any, bool]:
    """The kernel for trials at `x`, shape `(n_trials, n_axes)`, and whether one of its parameters is at an end."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessClassifier

    with warnings.catch_warnings():
        # It warns of an end that was reached, which the surface's note says.
        warnings.filterwarnings("ignore", "The optimal value found for", ConvergenceWarning)
        fitted = GaussianProcessClassifier(prior_kernel(x.shape[1]), optimizer=_maximize).fit(x, won).kernel_
    return fitted, bool(np.isclose(fitted.bounds, fitted.theta[:, None]).any())


def _subset(values: NDArray[Any], size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Up to `size` rows at random, spread evenly over the sorted values, so that the lowest and highest are there."""
    if len(values) <= size:
        return np.arange(len(values))
    order = np.lexsort((rng.random(len(values)), values))
    return np.sort(order[np.linspace(0, len(values) - 1, size).round().astype(int)])


def _maximize(objective: Callable[..., Any], start: Array, bounds: Array) -> tuple[Array, float]:
    """The hyperparameters' logarithms (squared amplitude, then lengths) with the highest posterior density."""
    mean = np.array([2 * _AMPLITUDE[0]] + [_LENGTH[0]] * (len(start) - 1))
    sd = np.array([2 * _AMPLITUDE[1]] + [_LENGTH[1]] * (len(start) - 1))

    def negative_log_posterior(theta: Array) -> tuple[float, Array]:
        value, slope = objective(theta)
        z = (theta - mean) / sd
        return float(value + 0.5 * z @ z), slope + z / sd

    # One start: over all shapes of `experiments/coverage` a second one ended at the same optimum.
    found = optimize.minimize(negative_log_posterior, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return found.x, float(found.fun)
