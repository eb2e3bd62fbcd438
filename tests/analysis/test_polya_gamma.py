from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from tune_stability.analysis.laplace import laplace
from tune_stability.analysis.polya_gamma import polya_gamma, precision


@pytest.mark.parametrize(
    ("mean", "variance", "counts", "expected"),
    [
        (0.0, 0.0, 1, 0.25),  # the curvature of the likelihood at p = 1/2
        (0.0, 4.0, 1, np.tanh(1.0) / 4),
        (-3.0, 16.0, 1, np.tanh(2.5) / 10),
        (3.0, 16.0, 6, 6 * np.tanh(2.5) / 10),
        (1e4, 0.0, 1, 1 / 2e4),
    ],
)
def test_the_precision_of_trials(mean: float, variance: float, counts: float, expected: float) -> None:
    assert precision(np.array([mean]), np.array([variance]), counts) == pytest.approx([expected])


@pytest.mark.parametrize(("wins", "counts"), [(1, 1), (0, 2), (3, 3), (2, 5), (25, 25)])
def test_one_place_has_nearly_the_exact_mean_and_is_no_wider(wins: int, counts: int) -> None:
    logit = np.linspace(-30, 30, 20_001)
    density = special.expit(logit) ** wins * special.expit(-logit) ** (counts - wins) * np.exp(-(logit**2) / 8)
    density /= density.sum()
    mean = density @ logit
    sd = np.sqrt(density @ (logit - mean) ** 2)
    kernel = np.array([[4.0]])
    found = polya_gamma(kernel, np.array([wins]), np.array([counts]))
    assert found.mean(kernel) == pytest.approx([mean], rel=0.1)
    # A variational posterior is never too wide; with all of 25 alike it has half of the exact one's.
    assert 0.49 * sd < np.sqrt(4.0 - found.explained(kernel)[0, 0] ** 2) < sd


def test_successes_and_failures_are_alike() -> None:
    x = np.linspace(0, 1, 7)
    kernel = 9.0 * np.exp(-((x[:, None] - x) ** 2) / 0.1)
    wins, counts = np.array([0, 1, 0, 2, 3, 2, 3]), np.array([2, 1, 3, 3, 3, 2, 4])
    won, lost = polya_gamma(kernel, wins, counts), polya_gamma(kernel, counts - wins, counts)
    assert won.latent == pytest.approx(-lost.latent)
    assert won.root == pytest.approx(lost.root)


def test_trials_far_from_chance_still_say_on_which_side_they_lie() -> None:
    # Of a step with 12 trials on each side, the inside is sure; Laplace's method has it at 1.3 standard deviations.
    x = np.linspace(0, 1, 24)
    kernel = 140.0 * np.exp(-((x[:, None] - x) ** 2) / (2 * 0.2**2)) + 1e-8 * np.eye(24)
    wins = (x > 0.5).astype(float)
    heights = []
    for method in (polya_gamma, laplace):
        posterior = method(kernel, wins, np.ones(24))
        sd = np.sqrt(140.0 - (posterior.explained(kernel) ** 2).sum(axis=0))
        heights.append((posterior.mean(kernel) / sd)[18])
    assert heights[0] > 4
    assert heights[1] < 2


def test_without_trials_it_is_the_prior() -> None:
    posterior = polya_gamma(np.empty((0, 0)), np.empty(0), np.empty(0))
    assert posterior.mean(np.empty((0, 3))) == pytest.approx(np.zeros(3))
    assert posterior.explained(np.empty((0, 3))).shape == (0, 3)
