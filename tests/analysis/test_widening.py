from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.stats import qmc
from statsmodels.stats.proportion import confint_proportions_2indep

from tune_stability.analysis import Interval, success_rate, widening, wilson
from tune_stability.analysis.widening import difference_limits, ratio_limits
from tune_stability.errors import UserError


def arm(wins: int, n: int) -> Interval:
    return Interval(wins / n, *wilson(wins / n, n, stats.norm.ppf(0.975)), 0.95, n, n, 0, "")


@pytest.mark.parametrize(("a", "b", "n"), [(0, 0, 20), (3, 9, 20), (10, 10, 20), (20, 0, 20), (56, 48, 80)])
def test_uncorrelated_difference_is_newcombes(a: int, b: int, n: int) -> None:
    expected = confint_proportions_2indep(b, n, a, n, method="newcomb", compare="diff")
    assert difference_limits(arm(a, n), arm(b, n), 0.0) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("correlation", [0.0, 0.5, -0.3, 0.9])
@pytest.mark.parametrize(("a", "b"), [(3, 9), (10, 10), (12, 2), (19, 1)])
def test_ratio_limits_are_where_the_difference_from_a_multiple_touches_zero(a: int, b: int, correlation: float) -> None:
    base, treatment = arm(a, 20), arm(b, 20)

    def multiple(r: float) -> Interval:
        return Interval(r * base.estimate, r * base.low, r * base.high, 0.95, 20, 20, 0, "")

    def touches(r: float, side: int) -> float:
        m, t = multiple(r), treatment
        sides = [(t.estimate - t.low, m.high - m.estimate), (t.high - t.estimate, m.estimate - m.low)][side]
        half = math.sqrt(sides[0] ** 2 + sides[1] ** 2 - 2 * correlation * sides[0] * sides[1])
        return t.estimate - m.estimate + (half if side else -half)

    low, high = ratio_limits(base, treatment, correlation)
    ratio = b / a
    assert low == pytest.approx(optimize.brentq(touches, 1e-9, ratio, args=(0,)), rel=1e-6)
    assert high == pytest.approx(optimize.brentq(touches, ratio, 1e4, args=(1,)), rel=1e-6)


def test_by_hand() -> None:
    # Means of the pairs' difference: 1, 0, 1, 0, so 0.5; the ratio of the rates is 0.75 / 0.25.
    result = widening([[0, 0], [0, 0], [0, 0], [1, 1]], [[1, 1], [0, 0], [1, 1], [1, 1]], design="random")
    assert result.difference.estimate == 0.5
    assert result.ratio.estimate == pytest.approx(3.0)
    assert result.difference.n_trials == 8


def test_pairing_narrows_the_interval() -> None:
    rng = np.random.default_rng(0)
    p = rng.random((64, 1))
    luck = rng.random((64, 3))
    baseline, treatment = (luck < p).astype(float), (luck < p + 0.1).astype(float)
    paired = widening(baseline, treatment, design="random").difference
    shuffled = widening(baseline, treatment[rng.permutation(64)], design="random").difference
    assert paired.high - paired.low < 0.6 * (shuffled.high - shuffled.low)


def test_only_complete_pairs_count() -> None:
    baseline = np.array([[1, np.nan], [0, 0]] * 10, dtype=float)
    treatment = np.array([[1, 0], [np.nan, 1]] * 10, dtype=float)
    result = widening(baseline, treatment, design="random")
    assert result.difference.estimate == 0.5
    assert (result.difference.n_trials, result.difference.missing) == (20, 20)
    assert not result.difference.trustworthy


def test_the_arms_are_their_success_rates() -> None:
    rng = np.random.default_rng(4)
    points = qmc.Sobol(2, scramble=True, rng=0).random(32)
    baseline, treatment = (rng.random((2, 32, 3)) < [[[0.3]], [[0.6]]]).astype(float)
    result = widening(baseline, treatment, points)
    assert result.baseline == success_rate(baseline, points)
    assert result.treatment == success_rate(treatment, points)
    mirrored = widening(treatment, baseline, points)
    assert mirrored.difference.low == pytest.approx(-result.difference.high)
    assert mirrored.ratio.low == pytest.approx(1 / result.ratio.high)


@pytest.mark.parametrize("design", ["sobol", "random"])
@pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 1), (0, 1), (1, 0)])
def test_all_alike_is_no_certainty(design: str, a: int, b: int) -> None:
    points = np.random.default_rng(0).random((32, 2))
    result = widening(np.full((32, 3), a), np.full((32, 3), b), points, design)  # type: ignore[arg-type]
    assert result.difference.estimate == b - a
    assert result.difference.low <= b - a <= result.difference.high
    assert result.difference.high - result.difference.low > 0.1
    if a == 0:
        assert math.isnan(result.ratio.estimate)
        assert (result.ratio.high, result.ratio.trustworthy) == (math.inf, False)
        assert "never succeeded" in result.ratio.note


def test_pairs_that_all_agree_are_no_certainty() -> None:
    points = qmc.Sobol(1, scramble=True, rng=0).random(32)
    success = np.repeat(points < 0.5, 3, axis=1).astype(float)
    difference = widening(success, success, points).difference
    assert difference.low < -0.02
    assert difference.high > 0.02


@pytest.mark.parametrize("design", ["sobol", "random"])
@pytest.mark.parametrize("success", [np.ones((1, 1)), np.full((3, 2), np.nan), np.empty((0, 2))])
def test_too_little_data(design: str, success: np.ndarray) -> None:
    result = widening(success, success, np.full((len(success), 2), 0.5), design)  # type: ignore[arg-type]
    assert (result.difference.low, result.difference.high) == (-1.0, 1.0)
    assert (result.ratio.low, result.ratio.high) == (0.0, math.inf)
    assert not result.difference.trustworthy
    assert result.difference.note
    assert result.ratio.note


def test_arms_of_different_shape() -> None:
    with pytest.raises(UserError, match="same shape"):
        widening(np.ones((3, 2)), np.ones((3, 1)))
