"""The fitted surface: the probability of success at every point of the space, by a Gaussian-process classifier."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, optimize, special

from tune_stability.analysis.region_mean import check_points, check_success
from tune_stability.errors import UserError

Array = NDArray[np.float64]

FIT_TRIALS = 200
"""Up to so many trials tell the kernel's hyperparameters; the time of a fit grows with their cube."""
USED_TRIALS = 1500
"""Up to so many trials are predicted from."""
_BLOCK = 2048

# Priors of the kernel's hyperparameters: (mean, standard deviation) of their logarithm. They hold back a few trials
# that a plane can separate, whose likelihood alone grows with the amplitude for ever. An amplitude of 4 spans
# probabilities from 2 to 98 %; a length of 0.5 is half of an axis.
_AMPLITUDE = (np.log(4.0), 0.7)
_LENGTH = (np.log(0.5), 1.0)
_OFFSET_VARIANCE = 4.0
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(32)


@dataclass(frozen=True)
class Surface:
    """A fitted success probability on the unit cube. Everything read from it is model-based.

    `n_trials` trials of `n_configs` configurations were given, `missing` of the planned ones have no outcome. `note`
    says what a reader must know of the fit. `constant` is the logit's mean and standard deviation of a surface that
    is the same everywhere, because the data allow for no other; None for a fitted one.
    """

    n_axes: int
    n_configs: int
    n_trials: int
    missing: int
    note: str
    constant: tuple[float, float] | None = None
    _model: Any = field(default=None, repr=False)

    def probability(self, points: ArrayLike) -> Array:
        """The probability of success at `points`, shape `(n, n_axes)`, averaged over the uncertainty: `(n,)`."""
        mean, sd = self.latent(points)
        return special.expit(mean[:, None] + sd[:, None] * _NODES) @ (_WEIGHTS / _WEIGHTS.sum())

    def latent(self, points: ArrayLike) -> tuple[Array, Array]:
        """Mean and standard deviation of the logit of the probability at `points`, each of shape `(n,)`."""
        places = self._check(points)
        if self.constant is not None:
            return np.full(len(places), self.constant[0]), np.full(len(places), self.constant[1])
        blocks = [
            self._model.latent_mean_and_variance(places[start : start + _BLOCK])
            for start in range(0, len(places), _BLOCK)
        ]
        mean, variance = (np.concatenate([block[k] for block in blocks]) for k in (0, 1))
        # Rounding may take a variance a little under zero.
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def draws(self, points: ArrayLike, n_draws: int, rng: np.random.Generator) -> Array:
        """Joint draws of the logit at `points` from its posterior: shape `(n_draws, n)`, `n` up to some thousand."""
        places = self._check(points)
        normal = rng.standard_normal((n_draws, len(places)))
        if self.constant is not None:
            return self.constant[0] + self.constant[1] * np.repeat(normal[:, :1], len(places), axis=1)
        mean, _ = self.latent(places)
        fit = self._model.base_estimator_
        # Rasmussen and Williams (2006), equation 3.24 for all points at once.
        explained = linalg.solve_triangular(fit.L_, fit.W_sr_[:, None] * fit.kernel_(fit.X_train_, places), lower=True)
        values, vectors = np.linalg.eigh(fit.kernel_(places) - explained.T @ explained)
        return mean + (normal * np.sqrt(np.maximum(values, 0.0))) @ vectors.T

    def _check(self, points: ArrayLike) -> Array:
        places = np.asarray(points, dtype=float)
        if places.ndim != 2 or len(places) == 0 or places.shape[1] != self.n_axes:
            raise UserError(f"points must have shape (n, {self.n_axes}) with n at least 1, received {places.shape}.")
        if not ((places >= 0) & (places <= 1)).all():
            raise UserError("points must lie in the unit cube [0, 1]; map configurations with SearchSpace.point first.")
        return places


def fit_surface(success: ArrayLike, points: ArrayLike, *, seed: int = 0) -> Surface:
    """Fit the probability of success to trials.

    `success`: shape `(n_configs, n_seeds)`, 1, 0 or NaN (missing). `points`: shape `(n_configs, n_axes)` in the unit
    cube. `seed` draws the subset of trials where there are too many for all of them to be used.

    The logit of the probability is a Gaussian process: a constant plus a Matern 5/2 kernel with a length per axis,
    its posterior by Laplace's method (Rasmussen and Williams 2006, algorithms 3.1 and 5.1, in scikit-learn) with a
    row per trial. Amplitude and lengths maximize the marginal likelihood times log-normal priors.

    If all trials succeed, all fail, or there is one configuration, the surface is constant: a beta posterior with
    Jeffreys' prior. As seeds of a configuration may be alike, equal outcomes count once per configuration.

    Raises `UserError` for arrays of the wrong shape or content, and if no trial has an outcome.
    """
    values = check_success(success)
    places, _ = check_points(points, len(values), "random")
    assert places is not None
    config, column = np.nonzero(~np.isnan(values))
    won = values[config, column]
    if len(won) == 0:
        raise UserError("no trial has an outcome, so no surface can be fitted; run some first.")
    n_configs = len(np.unique(config))
    constant = _constant(won, n_configs)
    model, notes = None, []
    if constant is None:
        model, notes = _classifier(places[config], won, np.random.default_rng(seed))
    elif n_configs == 1:
        notes = ["There is one configuration, so the surface is constant."]
    else:
        notes = [f"All trials {'succeeded' if won[0] else 'failed'}, so the surface is constant."]
    missing = int(values.size - len(won))
    return Surface(places.shape[1], n_configs, len(won), missing, " ".join(notes), constant, model)


def _constant(won: Array, n_configs: int) -> tuple[float, float] | None:
    """Mean and standard deviation of the logit under Jeffreys' beta posterior; None where a surface can be fitted."""
    alike = won.min() == won.max()
    if n_configs > 1 and not alike:
        return None
    n = n_configs if alike else len(won)
    a, b = n * won.mean() + 0.5, n * (1 - won.mean()) + 0.5
    sd = np.sqrt(special.polygamma(1, a) + special.polygamma(1, b))
    return float(special.digamma(a) - special.digamma(b)), float(sd)


def _classifier(x: Array, won: Array, rng: np.random.Generator) -> tuple[Any, list[str]]:
    """The fitted classifier, and what to note of the fit. `x`: shape `(n_trials, n_axes)`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    notes: list[str] = []
    kernel = ConstantKernel(_OFFSET_VARIANCE, "fixed") + ConstantKernel(np.exp(2 * _AMPLITUDE[0]), (0.1, 1e3)) * Matern(
        np.full(x.shape[1], np.exp(_LENGTH[0])), (0.02, 50.0), nu=2.5
    )
    few = _subset(won, FIT_TRIALS, rng)
    model = GaussianProcessClassifier(kernel, optimizer=_maximize)
    with warnings.catch_warnings():
        # It warns of a bound that was reached, which becomes a note.
        warnings.filterwarnings("ignore", "The optimal value found for", ConvergenceWarning)
        model.fit(x[few], won[few])
    if np.isclose(model.kernel_.bounds, model.kernel_.theta[:, None]).any():
        notes.append("A length or the amplitude of the surface lies at the end of its range.")
    if len(few) < len(won):
        notes.append(f"Lengths and amplitude were fitted to {len(few)} of {len(won)} trials.")
        used = _subset(won, USED_TRIALS, rng)
        model = GaussianProcessClassifier(model.kernel_, optimizer=None).fit(x[used], won[used])
        if len(used) < len(won):
            notes.append(f"The surface was fitted to {len(used)} of {len(won)} trials.")
    return model, notes


def _subset(won: Array, size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Up to `size` rows at random, with the same share of successes and at least one of each outcome."""
    if len(won) <= size:
        return np.arange(len(won))
    order = np.lexsort((rng.random(len(won)), won))
    return np.sort(order[np.linspace(0, len(won) - 1, size).round().astype(int)])


def _maximize(objective: Callable[..., Any], start: Array, bounds: Array) -> tuple[Array, float]:
    """The hyperparameters' logarithms (squared amplitude, then lengths) with the highest posterior density."""
    mean = np.array([2 * _AMPLITUDE[0]] + [_LENGTH[0]] * (len(start) - 1))
    sd = np.array([2 * _AMPLITUDE[1]] + [_LENGTH[1]] * (len(start) - 1))

    def negative_log_posterior(theta: Array) -> tuple[float, Array]:
        value, slope = objective(theta)
        z = (theta - mean) / sd
        return float(value + 0.5 * z @ z), slope + z / sd

    # From the priors' means and from short lengths: a surface may have an optimum of each kind.
    starts = (start, np.concatenate([start[:1], start[1:] - 1.0]))
    found = [optimize.minimize(negative_log_posterior, at, jac=True, method="L-BFGS-B", bounds=bounds) for at in starts]
    best = min(found, key=lambda result: float(result.fun))
    return best.x, float(best.fun)
