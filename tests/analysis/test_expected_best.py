from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from tune_stability.analysis import Interval, expected_best
from tune_stability.analysis.expected_best import _best, _distinct
from tune_stability.errors import UserError


def best(scores: object, n: int, success: object = None, **options: object) -> Interval:
    values = np.asarray(scores, dtype=float)
    wins = (values > 0.5).astype(float) if success is None else success
    return expected_best(values, wins, n, **{"design": "random", "majority": 0.5, **options})  # type: ignore[arg-type]


def study(n_configs: int, n_seeds: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    points = rng.random((n_configs, 2))
    won = rng.random((n_configs, n_seeds)) < points[:, :1]
    return np.where(won, 0.6 + 0.3 * points[:, 1:], 0.5), won.astype(float)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_it_is_the_mean_over_all_choices(n: int) -> None:
    scores = np.array([[0.1, 0.6], [0.7, 0.7], [0.9, 0.2], [0.55, np.nan]])
    seeds = [row[~np.isnan(row)] for row in scores]
    chosen = [
        np.mean([max(trials) for trials in product(*(seeds[i] for i in rows))]) for rows in combinations(range(4), n)
    ]
    # The last configuration has one seed, and configurations weigh alike.
    assert best(scores, n, np.where(np.isnan(scores), np.nan, scores > 0.5)).estimate == pytest.approx(np.mean(chosen))


def test_with_one_seed_it_is_that_of_tang() -> None:
    # Of 1, 2, 3 and 4, three pairs of six have 4 as their best, two 3 and one 2.
    scores = np.array([[0.3], [0.1], [0.4], [0.2]])
    assert best(scores, 2, np.ones((4, 1))).estimate == pytest.approx((3 * 0.4 + 2 * 0.3 + 0.2) / 6)
    assert best(scores, 4, np.ones((4, 1))).estimate == pytest.approx(0.4)


def test_beyond_the_configurations_it_is_that_of_dodge() -> None:
    scores = np.array([[0.3], [0.6]])
    # Five draws with replacement are all 0.3 in one case of 32.
    result = best(scores, 5)
    assert result.estimate == pytest.approx(0.6 - 0.3 / 32)
    assert not result.trustworthy


@pytest.mark.parametrize("n", [1, 5, 20])
def test_it_equals_simulation(n: int) -> None:
    rng = np.random.default_rng(0)
    scores, success = study(40, 3, rng)
    rows = rng.permuted(np.tile(np.arange(40), (20_000, 1)), axis=1)[:, :n]
    simulated = scores[rows, rng.integers(0, 3, rows.shape)].max(axis=1)
    error = simulated.std() / math.sqrt(len(simulated))
    assert expected_best(scores, success, n).estimate == pytest.approx(simulated.mean(), abs=4 * error + 1e-12)


def test_draws_with_replacement_equal_simulation() -> None:
    rng = np.random.default_rng(1)
    values, mass = rng.random(10), rng.dirichlet(np.ones(10))
    simulated = rng.choice(values, (50_000, 4), p=mass).max(axis=1)
    assert _best(values, mass, 4) == pytest.approx(simulated.mean(), abs=4 * simulated.std() / math.sqrt(50_000))


def test_the_interval_covers_the_truth() -> None:
    rng = np.random.default_rng(2)
    large, _ = study(200_000, 1, rng)
    truth = _best(large.ravel(), np.full(200_000, 1 / 200_000), 4)
    covered = 0
    for _ in range(100):
        result = expected_best(*study(48, 2, rng), 4, majority=0.5)
        covered += result.low <= truth <= result.high
        assert result.trustworthy
    assert covered >= 87  # 95 %, but for 4 standard errors


def test_a_sobol_design_knows_more_than_independent_points() -> None:
    rng = np.random.default_rng(0)
    widths = np.zeros(2)
    for _ in range(10):
        points = np.concatenate([qmc.Sobol(2, rng=rng).random(16) for _ in range(8)])
        won = rng.random((128, 5)) < points[:, :1]
        scores = np.where(won, 0.6 + 0.3 * points[:, 1:], 0.5)
        labels = np.repeat(np.arange(8), 16)
        aware, blind = (expected_best(scores, won, 2, replicate=known) for known in (labels, None))
        assert aware.estimate == blind.estimate
        widths += aware.high - aware.low, blind.high - blind.low
    assert widths[0] < 0.75 * widths[1]


def test_a_diverged_trial_counts_as_the_worst() -> None:
    scores, success = np.array([[np.nan, 0.8], [0.7, 0.6]] * 8), np.array([[0.0, 1.0], [1.0, 1.0]] * 8)
    assert best(scores, 1, success).estimate == pytest.approx((0.5 + 0.8 + 0.7 + 0.6) / 4)
    assert best(scores, 1, success, majority=None).estimate == pytest.approx((0.6 + 0.8 + 0.7 + 0.6) / 4)


@pytest.mark.parametrize(
    ("scores", "n", "options", "note"),
    [
        (np.full((16, 2), 0.5), 1, {}, "0 trials succeeded"),
        (np.full((16, 2), 0.7), 1, {"majority": None}, "No trial failed"),
        (np.tile([0.5, 0.7], (16, 1)), 3, {}, "The best of 3 needs 24 configurations, here 16."),
        (np.tile([0.5, 0.7], (1, 3)), 1, {}, "One configuration"),
        (np.full((4, 2), np.nan), 1, {}, "No trial has a score."),
        (np.empty((0, 0)), 1, {}, "No trial has a score."),
    ],
)
def test_limits_are_said(scores: np.ndarray, n: int, options: dict[str, object], note: str) -> None:
    result = best(scores, n, np.where(np.isnan(scores), np.nan, scores > 0.5), **options)
    assert not result.trustworthy
    assert note in result.note
    assert not result.low > result.high


def test_all_success_is_no_certainty() -> None:
    result = best(np.full((32, 2), 0.8), 1)
    assert result.trustworthy
    assert (result.estimate, result.high) == (pytest.approx(0.8), pytest.approx(0.8))
    assert result.low == pytest.approx(0.8 - 0.3 * 0.115, abs=0.001)  # Wilson leaves a failure rate of 11.5 %


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(1, 8))
def test_neither_the_order_of_rows_nor_of_seeds_matters(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    scores, success = study(12, 3, rng)
    mixed = rng.permuted(np.arange(36).reshape(12, 3), axis=1)[rng.permutation(12)]
    first, second = best(scores, n, success), best(scores.ravel()[mixed], n, success.ravel()[mixed])
    assert (first.estimate, first.low, first.high) == pytest.approx((second.estimate, second.low, second.high))
    assert first.low <= first.estimate <= first.high
    more = best(scores, n + 1, success)
    assert more.estimate >= first.estimate - 1e-12


def test_distinct_rows_beat_draws_with_replacement() -> None:
    values = np.random.default_rng(0).random((20, 1))
    for n in (2, 5, 20):
        assert _distinct(values, n)[n] > _best(values.ravel(), np.full(20, 0.05), n)


@pytest.mark.parametrize(
    ("scores", "success", "n", "message"),
    [
        ([[0.5, 0.6]], [[1.0]], 1, "one shape"),
        ([[0.5]], [[1.0]], 0, "n must be a whole number"),
        ([[0.5]], [[1.0]], 1.5, "n must be a whole number"),
        ([[0.5]], [[1.0]], np.nan, "n must be a whole number"),
        ([[0.5]], [[1.0]], np.inf, "n must be a whole number"),
        ([[0.5]], [[0.3]], 1, "only 1"),
        ([0.5], [1.0], 1, r"\(n_configs, n_seeds\)"),
        ([[np.nan]], [[1.0]], 1, "no finite score"),
    ],
)
def test_bad_input(scores: object, success: object, n: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        expected_best(scores, success, n)  # type: ignore[arg-type]


def test_a_majority_that_is_no_score_is_refused() -> None:
    with pytest.raises(UserError, match="majority must be a finite score, received nan"):
        expected_best([[0.5]], [[1.0]], 1, majority=np.nan)
