from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tune_stability.analysis import Interval, learning_rate_sensitivity
from tune_stability.errors import UserError

LIMITS = (1e-7, 1e-3)


def sensitivity(scores: object, rates: object = None, **options: object) -> Interval:
    rates = np.logspace(-7, -3, len(scores)) if rates is None else rates  # type: ignore[arg-type]
    options = {"floor": 0.5, "limits": LIMITS, "n_draws": 300, **options}
    return learning_rate_sensitivity(scores, rates, np.random.default_rng(0), **options)  # type: ignore[arg-type]


def plateau(n: int, n_seeds: int, rng: np.random.Generator, noise: float = 0.02) -> np.ndarray:
    """A score of 0.9 over half of the range, and of 0.5 elsewhere."""
    inside = np.abs(np.linspace(-2, 2, n)) < 1
    return np.where(inside[:, None], 0.9, 0.5) + noise * rng.standard_normal((n, n_seeds))


def test_by_hand() -> None:
    # The best is 0.9, the mean 0.5 + 0.4 / 2; noise below the floor counts as the floor.
    result = sensitivity(plateau(64, 5, np.random.default_rng(1)))
    assert result.estimate == pytest.approx(0.2, abs=0.02)
    assert result.low <= 0.2 <= result.high
    assert result.high - result.low < 0.15
    assert result.trustworthy
    assert "model-based" in result.method


def test_a_straight_line_is_half_its_rise() -> None:
    rng = np.random.default_rng(2)
    scores = np.linspace(0.5, 0.9, 64)[:, None] + 0.01 * rng.standard_normal((64, 4))
    result = sensitivity(scores)
    assert result.estimate == pytest.approx(0.2, abs=0.01)
    assert result.low <= 0.2 <= result.high


def test_a_worse_score_than_the_floor_counts_as_the_floor() -> None:
    rng = np.random.default_rng(3)
    scores = plateau(64, 5, rng, noise=0.0)
    scores += 0.001 * rng.standard_normal(scores.shape) * (scores > 0.6)
    worse = np.where(scores > 0.6, scores, -np.inf)
    assert sensitivity(worse) == sensitivity(scores)


def test_without_sensitivity_zero_is_possible() -> None:
    result = sensitivity(0.8 + 0.05 * np.random.default_rng(4).standard_normal((64, 3)))
    assert result.low == 0
    assert 0 < result.estimate < result.high < 0.1


def test_missing_trials_are_left_out_and_counted() -> None:
    scores = plateau(64, 5, np.random.default_rng(5))
    scores[3], scores[7, 2:] = np.nan, np.nan
    result = sensitivity(scores)
    assert (result.n_configs, result.n_trials, result.missing) == (63, 312, 8)
    assert result.estimate == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("scores", "note"),
    [
        (np.ones((1, 3)), "1 learning rates are too few"),
        (np.empty((0, 3)), "0 learning rates are too few"),
        (np.full((16, 3), np.nan), "0 learning rates are too few"),
        (np.full((64, 3), 0.8), "nothing tells its error"),
        (np.full((64, 3), 0.2), "nothing tells its error"),
        (plateau(16, 25, np.random.default_rng(0)), "16 learning rates and 400 trials are too few"),
        (plateau(64, 1, np.random.default_rng(0)), "64 learning rates and 64 trials are too few"),
    ],
)
def test_limits_are_said(scores: np.ndarray, note: str) -> None:
    result = sensitivity(scores)
    assert not result.trustworthy
    assert note in result.note
    assert result.low >= 0
    assert result.high > result.low


def test_constant_scores_have_no_sensitivity() -> None:
    assert sensitivity(np.full((64, 3), 0.8)).estimate == 0
    assert math.isnan(sensitivity(np.ones((2, 3))).estimate)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_neither_the_order_of_rows_nor_of_seeds_matters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates, scores = 10 ** rng.uniform(-7, -3, 20), rng.random((20, 3))
    order = rng.permutation(20)
    mixed = rng.permuted(scores, axis=1)[order]
    first, second = sensitivity(scores, rates), sensitivity(mixed, rates[order])
    assert (first.estimate, first.low, first.high) == pytest.approx((second.estimate, second.low, second.high))
    assert first.low <= first.estimate <= first.high


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scores": np.ones(16)}, r"\(n_configs, n_seeds\)"),
        ({"scores": np.full((16, 1), np.inf)}, "below infinity"),
        ({"rates": [1e-5]}, "learning_rates must have shape"),
        ({"rates": [0.0] * 16}, "above 0"),
        ({"limits": (1e-3, 1e-5)}, "limits"),
        ({"limits": (1e-5, np.inf)}, "limits"),
        ({"floor": math.nan}, "floor"),
    ],
)
def test_bad_input(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        sensitivity(**{"scores": np.ones((16, 2)), **options})  # type: ignore[arg-type]
