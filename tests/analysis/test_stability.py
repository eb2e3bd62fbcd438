from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tune_stability.analysis import Stability, stability
from tune_stability.analysis.score_mixture import moment_limits
from tune_stability.errors import UserError


def at(scores: object, success: object, seed: int = 0, **options: object) -> Stability:
    return stability(scores, success, np.random.default_rng(seed), **options)  # type: ignore[arg-type]


def test_by_hand() -> None:
    # Mean 0.6; squared deviations 0.04, 0, 0.01, 0.01 and 0.04 over 4 give 0.025.
    result = at([0.4, 0.6, 0.7, 0.5, 0.8], [0, 1, 1, 0, 1])
    assert result.std.estimate == pytest.approx(math.sqrt(0.025))
    assert (result.mean.estimate, result.median.estimate, result.max) == pytest.approx((0.6, 0.6, 0.8))
    assert (result.failed, result.n, result.missing, result.note) == (2, 5, 0, "")
    assert result.failure_rate.estimate == 0.4
    for interval in (result.std, result.mean, result.failure_rate):
        assert interval.trustworthy
        assert interval.low < interval.estimate < interval.high


def test_the_median_lies_between_order_statistics() -> None:
    # Of 17 seeds fewer than 5 lie below the median in 2.45 % of cases, so the 5th and the 13th bound it; interpolation
    # goes 1.6 % of the way on: (17 - 5) * I / (5 + 7 * I) with I = (0.95096 - 0.95) / (0.95096 - 0.85654).
    interval = at(np.arange(17.0), np.ones(17), majority=0.0).median
    excess = (stats.binom.cdf(12, 17, 0.5) - stats.binom.cdf(4, 17, 0.5) - 0.95) / (
        stats.binom.pmf(5, 17, 0.5) + stats.binom.pmf(12, 17, 0.5)
    )
    share = 12 * excess / (5 + 7 * excess)
    assert (interval.estimate, interval.low, interval.high) == pytest.approx((8, 4 + share, 12 - share))
    six = at(np.arange(6.0), np.ones(6), majority=0.0).median
    assert (six.low, six.high, six.trustworthy) == (0, 5, True)
    five = at(np.arange(5.0), np.ones(5), majority=0.0).median
    assert (five.low, five.high, five.trustworthy) == (-math.inf, math.inf, False)
    assert five.note == "5 seeds are too few for an interval of the median; run at least 6."


def test_no_failure_seen_is_no_certainty() -> None:
    scores = 0.7 + 0.01 * np.linspace(-1, 1, 25)
    result = at(scores, np.ones(25), majority=0.5)
    # One in ten may fail, and that alone has a standard deviation of 0.3 times the gap of 0.2.
    assert result.std.high > 0.05
    assert result.mean.low < 0.69
    assert result.mean.high < 0.705
    assert result.std.trustworthy
    assert "without the majority's score" in at(scores, np.ones(25)).std.note
    assert not at(scores, np.ones(25)).mean.trustworthy


def test_no_success_seen_is_said() -> None:
    result = at([0.5, 0.52, 0.5, 0.51, 0.5, 0.5, 0.5, 0.5], np.zeros(8), majority=0.5)
    assert not result.mean.trustworthy
    assert "No trial succeeded" in result.std.note
    assert result.failure_rate.trustworthy
    assert result.failure_rate.high == 1.0


def test_constant_scores_leave_only_what_was_not_seen() -> None:
    result = at([0.7] * 10, [1] * 10, majority=0.7)
    assert (result.std.estimate, result.std.low, result.std.high) == (0, 0, pytest.approx(0, abs=1e-9))
    assert (result.mean.low, result.mean.high) == pytest.approx((0.7, 0.7))


def test_with_one_hump_the_limits_are_those_of_normal_theory() -> None:
    rng = np.random.default_rng(3)
    scores = rng.standard_normal(200)
    # A failure would score as the mean does, so it moves nothing; with none seen the upper limit has both tails.
    limits = moment_limits(scores, np.ones(200), float(scores.mean()), rng, 0.95, 40_000)
    error = scores.std(ddof=1) / math.sqrt(200)
    expected = (scores.mean() - 1.97 * error, scores.mean() + 1.65 * error)
    assert limits.mean == pytest.approx(expected, abs=0.1 * error)


def test_mean_covers_what_two_humps_do() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(150):
        won = rng.random(25) < 0.9
        scores = np.where(won, 0.7 + 0.02 * rng.standard_normal(25), 0.53)
        result = stability(scores, won.astype(float), rng, majority=0.53, n_draws=400)
        covered += result.mean.low <= 0.683 <= result.mean.high
    assert 0.88 <= covered / 150 <= 1  # 95 %, but for 4 standard errors


def test_missing_trials_and_trials_without_a_score() -> None:
    result = at([0.7, 0.9, np.nan, np.nan, 0.1], [1, 1, 0, np.nan, np.nan])
    assert result.mean.estimate == pytest.approx(0.8)
    assert (result.failed, result.n, result.missing) == (1, 3, 2)
    no_score, missing = "1 failed trials have no score and are not in the moments.", "2 of 5 trials are missing"
    assert result.note == f"{no_score} {missing}, perhaps not at random."
    assert missing in result.failure_rate.note
    assert not result.mean.trustworthy
    assert (result.mean.n_trials, result.mean.missing) == (2, 3)
    assert result.failure_rate.estimate == pytest.approx(1 / 3)


@pytest.mark.parametrize(("scores", "wins"), [([], []), ([np.nan], [np.nan]), ([np.nan], [0.0])])
def test_no_scores(scores: list[float], wins: list[float]) -> None:
    result = at(scores, wins)
    for interval in (result.mean, result.std, result.median):
        assert math.isnan(interval.estimate)
        assert interval.high == math.inf
        assert not interval.trustworthy
    assert "at least two seeds" in result.note


def test_one_seed_has_no_spread() -> None:
    result = at([0.7], [1])
    assert result.mean.estimate == 0.7
    assert math.isnan(result.std.estimate)
    assert (result.std.low, result.std.high) == (0, math.inf)
    assert result.note == "1 scores show no spread; run at least two seeds."


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=0, max_size=30), st.randoms())
def test_the_order_of_seeds_does_not_matter(trials: list[tuple[float, bool]], random: object) -> None:
    mixed = list(trials)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    first, second = (
        at([t[0] for t in rows], [float(t[1]) for t in rows], n_draws=200, majority=0.5) for rows in (trials, mixed)
    )
    assert repr(dataclasses.asdict(first)) == repr(dataclasses.asdict(second))


@pytest.mark.parametrize("arguments", [([0.5], [1, 1]), ([[0.5]], [[1]])])
def test_shapes(arguments: tuple[object, object]) -> None:
    with pytest.raises(UserError, match="one shape"):
        at(*arguments)


def test_success_must_be_judged() -> None:
    with pytest.raises(UserError, match="only 1"):
        at([0.5, 0.7], [0.5, 0.7])


@pytest.mark.parametrize("majority", [math.nan, math.inf])
def test_a_majority_that_is_no_score_is_refused(majority: float) -> None:
    with pytest.raises(UserError, match="majority must be a finite score, received"):
        stability([0.7, 0.8], [1, 1], np.random.default_rng(0), majority=majority)
