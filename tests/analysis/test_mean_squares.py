from __future__ import annotations

import numpy as np
import pytest

from tune_stability.analysis.mean_squares import EFFECTS, component_weights, degrees_of_freedom, mean_squares

A, B, C = np.indices((2, 2, 2))


def test_the_order_of_effects() -> None:
    assert EFFECTS == ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        # One factor: means 0 and 1, eight deviations of one half.
        (A, [2, 0, 0, 0, 0, 0, 0]),
        (C + 5, [0, 0, 2, 0, 0, 0, 0]),
        # An interaction of two alone, and of three.
        ((A + B) % 2, [0, 0, 0, 2, 0, 0, 0]),
        ((A + B + C) % 2, [0, 0, 0, 0, 0, 0, 2]),
        # A single 1 among zeros has every effect, each eight deviations of 1/8.
        (A * B * C, [1 / 8] * 7),
        (np.full((2, 2, 2), 0.7), [0] * 7),
    ],
)
def test_by_hand(scores: np.ndarray, expected: list[float]) -> None:
    np.testing.assert_allclose(mean_squares(scores[None].astype(float)), [expected], atol=1e-15)


def test_equal_scores_have_exactly_no_mean_square() -> None:
    assert not mean_squares(np.full((1, 3, 3, 3), 0.1)).any()


def test_sums_of_squares_add_up_to_the_whole() -> None:
    values = np.random.default_rng(0).normal(size=(5, 2, 3, 4))
    sums = (mean_squares(values) * degrees_of_freedom((2, 3, 4))).sum(axis=1)
    np.testing.assert_allclose(sums, values.var(axis=(1, 2, 3)) * 24)


def test_degrees_of_freedom_by_hand() -> None:
    assert degrees_of_freedom((2, 3, 4)).tolist() == [1, 2, 3, 2, 3, 6, 6]


def test_weights_by_hand() -> None:
    # Of two seeds of a kind: a factor's mean square holds 4 times its component and twice that of each interaction.
    weights = component_weights((2, 2, 2))
    np.testing.assert_allclose(weights[0], np.array([1, 0, 0, -1, -1, 0, 1]) / 4, atol=1e-15)
    np.testing.assert_allclose(weights[2], np.array([0, 0, 1, 0, -1, -1, 1]) / 4, atol=1e-15)
    np.testing.assert_allclose(weights[3], np.array([0, 0, 0, 1, 1, 1, -1]) / 2, atol=1e-15)
    # Of unequal numbers: the first factor's levels have 12 cells, the pairs' 4 and 3.
    np.testing.assert_allclose(component_weights((2, 3, 4))[0], np.array([1, 0, 0, -1, -1, 0, 1]) / 12, atol=1e-15)
