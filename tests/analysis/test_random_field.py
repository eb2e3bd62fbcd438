from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

from tune_stability.analysis import random_field
from tune_stability.analysis.random_field import Geometry, mean_variance


def test_error_of_the_mean_agrees_with_brute_force() -> None:
    points = qmc.Sobol(2, scramble=True, rng=0).random(16)
    cube = (np.arange(60) + 0.5) / 60
    cells = np.stack(np.meshgrid(cube, cube, indexing="ij"), axis=-1).reshape(-1, 2)
    for k in (0, 5, 40, 60):
        smooth = k >= random_field.N_FIELDS
        lengths = random_field._lengths(2)[k % random_field.N_FIELDS]

        def correlation(a: np.ndarray, b: np.ndarray, lengths=lengths, smooth=smooth) -> np.ndarray:
            h = np.abs(a[:, None] - b[None]) / lengths
            h = np.sqrt(3) * h if smooth else h
            return (np.exp(-h) * (1 + h if smooth else 1)).prod(-1)

        within = 1.0
        for length in lengths:
            line = np.abs(cube[:, None] - cube[None]) / length
            line = np.sqrt(3) * line if smooth else line
            within *= (np.exp(-line) * (1 + line if smooth else 1)).mean()
        expected = correlation(points, points).mean() - 2 * correlation(points, cells).mean() + within
        assert Geometry(points).error[k] == pytest.approx(expected, rel=0.05, abs=2e-5)


def test_even_points_have_a_smaller_error_than_random_ones() -> None:
    even = Geometry(qmc.Sobol(2, scramble=True, rng=0).random(64)).error
    heaped = Geometry(np.random.default_rng(0).random((64, 2))).error
    assert (even < heaped).all()


def test_pure_noise_has_the_variance_of_noise() -> None:
    rng = np.random.default_rng(0)
    geometry = Geometry(qmc.Sobol(2, scramble=True, rng=0).random(64))
    values = rng.normal(size=64)
    assert mean_variance(geometry, values, np.ones(64)) == pytest.approx(1 / 64, rel=0.1)


def test_equal_values_vary_by_their_noise_only() -> None:
    geometry = Geometry(np.random.default_rng(0).random((8, 1)))
    assert mean_variance(geometry, np.full(8, 0.5), np.full(8, 0.25)) == 0.25 / 8
    assert mean_variance(geometry, np.full(8, 0.5), None) == 0.0
