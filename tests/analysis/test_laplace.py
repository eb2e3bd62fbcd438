from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

from tune_stability.analysis.laplace import laplace


def test_one_place_by_hand() -> None:
    # Prior variance 4, 3 successes of 4: the mode solves f / 4 = 3 - 4 / (1 + exp(-f)).
    mode = optimize.brentq(lambda f: f / 4 - 3 + 4 / (1 + math.exp(-f)), -5, 5)
    p = 1 / (1 + math.exp(-mode))
    posterior = laplace(np.array([[4.0]]), np.array([3.0]), np.array([4.0]))
    cross = np.array([[4.0]])
    assert posterior.mean(cross) == pytest.approx([mode], abs=1e-6)
    # Precisions add: 1 / 4 of the prior and 4 p (1 - p) of the data.
    variance = 4.0 - (posterior.explained(cross) ** 2).sum()
    assert variance == pytest.approx(1 / (0.25 + 4 * p * (1 - p)), rel=1e-6)


def test_it_is_the_posterior_that_scikit_learn_has_from_a_row_per_trial() -> None:
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel

    rng = np.random.default_rng(0)
    x, other = rng.random((12, 2)), rng.random((5, 2))
    success = (rng.random((12, 3)) < 0.9 * (x[:, :1] > 0.4)).astype(float)
    kernel = ConstantKernel(4.0) + ConstantKernel(20.0) * RBF([0.3, 0.6])
    rows = GaussianProcessClassifier(kernel, optimizer=None).fit(np.repeat(x, 3, axis=0), success.ravel())
    mean, variance = rows.latent_mean_and_variance(other)
    posterior = laplace(kernel(x), success.sum(axis=1), np.full(12, 3.0))
    cross = kernel(x, other)
    np.testing.assert_allclose(posterior.mean(cross), mean, atol=1e-5)
    np.testing.assert_allclose(kernel.diag(other) - (posterior.explained(cross) ** 2).sum(axis=0), variance, atol=1e-5)


def test_places_without_trials_change_nothing() -> None:
    x = np.linspace(0, 1, 6)
    kernel = 9 * np.exp(-((x[:, None] - x) ** 2) / 0.1)
    wins, counts = np.array([0.0, 1, 2, 2, 0, 0]), np.array([2.0, 2, 2, 2, 0, 0])
    cross = kernel[:, :2]
    every = laplace(kernel, wins, counts).mean(cross)
    few = laplace(kernel[:4, :4], wins[:4], counts[:4]).mean(cross[:4])
    np.testing.assert_allclose(every, few, atol=1e-8)


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
def test_outcomes_that_a_step_parts_stay_finite_whatever_the_amplitude(size: float) -> None:
    x = np.linspace(0, 1, 20)
    kernel = size * np.exp(-((x[:, None] - x) ** 2) / 0.02)
    posterior = laplace(kernel, 5.0 * (x > 0.5), np.full(20, 5.0))
    assert np.isfinite(posterior.latent).all()
    assert ((posterior.latent > 0) == (x > 0.5)).all()
