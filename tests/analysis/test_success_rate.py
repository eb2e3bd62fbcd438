from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc
from statsmodels.stats.proportion import proportion_confint

from tune_stability.analysis import success_rate, wilson
from tune_stability.errors import UserError


@pytest.mark.parametrize(("wins", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (37, 96), (199, 200)])
def test_wilson_equals_statsmodels(wins: int, n: int) -> None:
    expected = proportion_confint(wins, n, alpha=0.05, method="wilson")
    assert wilson(wins / n, n, stats.norm.ppf(0.975)) == pytest.approx(expected, abs=1e-12)


def test_by_hand() -> None:
    # Means 0, 1/2, 1, 1/2: mean 1/2, variance of the mean (1/6) / 4 = 1/24, so 6 effective trials; t(3) = 3.182446.
    interval = success_rate([[0, 0], [0, 1], [1, 1], [1, 0]], design="random")
    t = 3.182446305284263
    half = math.sqrt(t**2 / 6 * (0.25 + t**2 / 24)) / (1 + t**2 / 6)
    assert interval.estimate == 0.5
    assert (interval.low, interval.high) == pytest.approx((0.5 - half, 0.5 + half))
    assert (interval.n_configs, interval.n_trials, interval.missing) == (4, 8, 0)


def test_configurations_weigh_alike_whatever_is_missing() -> None:
    interval = success_rate([[1, np.nan, np.nan], [0, 0, 0], [1, 1, np.nan], [np.nan] * 3] * 4, design="random")
    assert interval.estimate == pytest.approx(2 / 3)
    assert (interval.n_configs, interval.n_trials, interval.missing) == (12, 24, 24)
    assert not interval.trustworthy
    assert "24 of 48 trials are missing" in interval.note


@pytest.mark.parametrize("design", ["sobol", "random", "grid"])
@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("n_seeds", [1, 3])
def test_all_alike_is_no_certainty(design: str, value: float, n_seeds: int) -> None:
    points = np.random.default_rng(0).random((32, 2))
    interval = success_rate(np.full((32, n_seeds), value), points, design)  # type: ignore[arg-type]
    assert interval.estimate == value
    assert interval.high - interval.low == pytest.approx(0.115, abs=0.002)  # t**2 / (32 + t**2)
    assert interval.low <= value <= interval.high


def test_every_configuration_half_won_is_no_certainty() -> None:
    points = np.random.default_rng(0).random((16, 2))
    for design in ("sobol", "random"):
        interval = success_rate([[0, 1]] * 16, points, design)  # type: ignore[arg-type]
        assert interval.high - interval.low > 0.2


@pytest.mark.parametrize("design", ["sobol", "random"])
@pytest.mark.parametrize("success", [[[1.0]], [[0.0, 1.0, np.nan]], [[1, 1, 1], [np.nan] * 3]])
def test_one_configuration(design: str, success: list[list[float]]) -> None:
    points = np.full((len(success), 3), 0.5)
    interval = success_rate(success, points, design)  # type: ignore[arg-type]
    assert (interval.low, interval.high, interval.trustworthy) == (0.0, 1.0, False)
    assert "One configuration" in interval.note


@pytest.mark.parametrize("success", [np.empty((0, 3)), np.empty((0, 0)), np.full((4, 2), np.nan), np.empty((4, 0))])
def test_no_trials(success: np.ndarray) -> None:
    interval = success_rate(success, design="random")
    assert math.isnan(interval.estimate)
    assert (interval.low, interval.high, interval.trustworthy) == (0.0, 1.0, False)
    assert interval.note == "No trial has an outcome."


@pytest.mark.parametrize("n_configs", [2, 3, 7])
def test_few_configurations_are_not_trusted(n_configs: int) -> None:
    points = np.linspace(0, 1, n_configs)[:, None]
    success = np.zeros((n_configs, 2))
    success[0] = 1
    for design in ("sobol", "random"):
        interval = success_rate(success, points, design)  # type: ignore[arg-type]
        assert not interval.trustworthy
        assert 0 <= interval.low < interval.estimate < interval.high <= 1


@pytest.mark.parametrize("n_seeds", [1, 3])
def test_sobol_points_narrow_the_interval_of_a_smooth_surface(n_seeds: int) -> None:
    rng = np.random.default_rng(1)
    points = qmc.Sobol(2, scramble=True, rng=1).random(64)
    success = (rng.random((64, n_seeds)) < np.clip(3 * points[:, :1] - 1, 0, 1)).astype(float)
    aware = success_rate(success, points, "sobol")
    blind = success_rate(success, points, "random")
    assert aware.estimate == blind.estimate
    assert aware.high - aware.low < 0.7 * (blind.high - blind.low)
    assert success_rate(success, None, "sobol").low == blind.low


def test_order_of_configurations_and_seeds_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    points, success = rng.random((40, 3)), (rng.random((40, 3)) < 0.4).astype(float)
    one = success_rate(success, points)
    order = rng.permutation(40)
    other = success_rate(success[order][:, ::-1], points[order])
    assert (one.low, one.high) == pytest.approx((other.low, other.high))
    assert one == success_rate(success, points)


def test_failures_mirror_successes() -> None:
    rng = np.random.default_rng(3)
    points, success = rng.random((24, 2)), (rng.random((24, 3)) < 0.2).astype(float)
    one, mirrored = success_rate(success, points), success_rate(1 - success, points)
    assert (one.low, one.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low))


def test_many_configurations_and_heaped_points_are_handled() -> None:
    points = np.repeat(np.random.default_rng(0).random((150, 2)), 2, axis=0)
    success = (points[:, :1] < 0.5).astype(float)
    interval = success_rate(success, points)
    assert 0 < interval.high - interval.low < 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1, 1],), r"shape \(n_configs, n_seeds\), received \(3,\)"),
        (([[0.5, 1]],), "hold only 1"),
        (([[np.inf, 1]],), "hold only 1"),
        (([[0, 1]], [[0.5], [0.5]]), "points must have shape"),
        (([[0, 1]], [[1.5]]), "unit cube"),
        (([[0, 1]], [[np.nan]]), "unit cube"),
        (([["success", "failed"]],), "must be an array of 1"),
        (([[0, 1], [0]],), "must be an array of 1"),
        (([[0, 1]], [[0.5]], "sobo"), "did you mean 'sobol'"),
        (([[0, 1]], None, "sobol", 0.95, [0, 1]), r"replicate must hold 1 whole numbers, received shape \(2,\)"),
        (([[0, 1]], None, "sobol", 0.95, [0.5]), "whole numbers, received .* of float64"),
    ],
)
def test_bad_input(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        success_rate(*arguments)  # type: ignore[arg-type]


def test_the_method_says_where_the_variance_comes_from() -> None:
    points, success = np.linspace(0, 1, 32)[:, None], np.eye(32)[:, :2]
    assert success_rate(success).method == "Wilson, effective size, independent configurations"
    assert success_rate(success, points).method == "Wilson, effective size, successive differences"
    assert success_rate(success, points, replicate=np.arange(32) % 8).method.endswith("independent replicates")
    assert success_rate(success, points, "random", replicate=np.arange(32) % 8) == success_rate(success)
