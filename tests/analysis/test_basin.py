from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tune_stability.analysis import Basin, learning_rate_basin
from tune_stability.errors import UserError

LIMITS = (1e-7, 1e-3)


def grid(n: int = 17) -> np.ndarray:
    return np.logspace(-7, -3, n)


def basin(success: object, rates: object = None, **options: object) -> Basin:
    rates = grid(len(success)) if rates is None else rates  # type: ignore[arg-type]
    options = {"limits": LIMITS, "resampled": "seeds", "n_resamples": 200, **options}
    return learning_rate_basin(success, rates, np.random.default_rng(0), **options)  # type: ignore[arg-type]


def steps(n: int, low: float, high: float, n_seeds: int = 5) -> np.ndarray:
    x = np.log10(grid(n))
    return np.repeat(((x > low) & (x < high))[:, None], n_seeds, axis=1).astype(float)


def test_edges_of_a_step_lie_half_way_between_the_points_on_both_sides() -> None:
    # Points every 0.25 decades; those from -6 to -4.5 succeed, so the edges are at -6.125 and -4.375.
    result = basin(steps(17, -6.1, -4.4))
    assert np.log10(result.lower.estimate) == pytest.approx(-6.125, abs=0.02)
    assert np.log10(result.upper.estimate) == pytest.approx(-4.375, abs=0.02)
    assert result.width.estimate == pytest.approx(1.75, abs=0.03)
    assert result.found
    assert result.lower_inside
    assert result.upper_inside
    assert result.lower.trustworthy
    assert "model-based" in result.width.method


@pytest.mark.parametrize(("resampled", "n", "n_seeds"), [("seeds", 16, 5), ("configurations", 200, 3)])
def test_recovers_ramps(resampled: str, n: int, n_seeds: int) -> None:
    rng = np.random.default_rng(1)
    x = np.linspace(-7, -3, n) if resampled == "seeds" else rng.uniform(-7, -3, n)
    p = np.clip((x + 6) / 0.4 + 0.5, 0, 1) * np.clip((-4.2 - x) / 0.4 + 0.5, 0, 1)
    success = (rng.random((n, n_seeds)) < p[:, None]).astype(float)
    result = basin(success, 10**x, resampled=resampled)
    for edge, truth in ((result.lower, 1e-6), (result.upper, 10**-4.2)):
        assert edge.low <= truth <= edge.high
        assert edge.low < edge.estimate < edge.high
    assert result.width.low <= 1.8 <= result.width.high
    assert result.width.high - result.width.low < 0.8


def test_tau_moves_the_edges_inwards() -> None:
    rng = np.random.default_rng(2)
    x = np.linspace(-7, -3, 60)
    p = np.clip(1.2 - np.abs(x + 5), 0, 1)
    success = (rng.random((60, 20)) < p[:, None]).astype(float)
    widths = [basin(success, 10**x, tau=tau).width.estimate for tau in (0.25, 0.5, 0.75)]
    assert widths[0] > widths[1] > widths[2]
    assert widths[1] == pytest.approx(1.4, abs=0.15)


def test_an_edge_outside_the_range_is_said() -> None:
    result = basin(steps(17, -8, -5))
    assert result.found
    assert not result.lower_inside
    assert result.upper_inside
    assert result.lower.estimate == pytest.approx(LIMITS[0])
    assert not result.lower.trustworthy
    assert "lower end of the range" in result.lower.note
    assert result.upper.trustworthy
    assert result.width.note == "The width is a lower bound."


def test_everything_succeeds() -> None:
    result = basin(np.ones((16, 5)))
    assert result.width.estimate == pytest.approx(4)
    assert not result.lower_inside
    assert not result.upper_inside
    assert result.width.note == "The width is a lower bound."


@pytest.mark.parametrize("success", [np.zeros((16, 5)), np.eye(16)[:, [3] * 5] * [1, 1, 0, 0, 0]])
def test_no_basin(success: np.ndarray) -> None:
    result = basin(success)
    assert not result.found
    assert math.isnan(result.lower.estimate)
    assert result.width.estimate == 0
    # A basin between two of the 16 rates over four decades would not have been seen.
    assert result.width.high >= 4 / 15 - 1e-9
    assert not result.upper.trustworthy
    assert "nowhere as high as 0.5" in result.upper.note


@pytest.mark.parametrize("success", [np.ones((1, 1)), np.ones((4, 3)), np.full((16, 2), np.nan), np.empty((0, 2))])
def test_too_few_learning_rates(success: np.ndarray) -> None:
    result = basin(success)
    assert not result.found
    assert not result.width.trustworthy
    assert "too few" in result.width.note
    assert (result.width.low, result.width.high) == (0, pytest.approx(4))


def test_too_few_trials_are_said() -> None:
    result = basin(steps(17, -6.1, -4.4, n_seeds=3))
    assert not result.width.trustworthy
    assert "51 trials are too few for a basin" in result.lower.note


def test_a_success_probability_near_tau_is_said() -> None:
    success = steps(32, -6.1, -4.4, n_seeds=5) * [1, 1, 1, 0, 0]
    result = basin(success)
    assert result.found
    assert not result.upper.trustworthy
    assert "hardly be above 0.5" in result.width.note


@pytest.mark.parametrize("resampled", ["seeds", "configurations"])
def test_no_interval_is_narrower_than_the_learning_rates_lie_apart(resampled: str) -> None:
    # Without noise no resample moves an edge, but nothing was seen between two rates, a quarter of a decade apart.
    result = basin(steps(17, -6.1, -4.4, n_seeds=25), resampled=resampled)
    assert np.log10(result.lower.low) <= -6.25 + 1e-9
    assert np.log10(result.lower.high) >= -6.0 - 1e-9
    assert result.width.low <= 1.5 + 1e-9
    assert result.width.high >= 2.0 - 1e-9


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000))
def test_the_order_of_seeds_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    success = (rng.random((20, 4)) < 0.6).astype(float)
    assert repr(basin(success)) == repr(basin(rng.permuted(success, axis=1)))


def test_missing_trials_are_left_out_and_counted() -> None:
    success = steps(17, -6.1, -4.4)
    success[3] = np.nan
    success[5, 2:] = np.nan
    result = basin(success)
    assert result.width.missing == 8
    # Without the point at -6.25 the lower edge is half way between -6.5 and -6.
    assert result.width.estimate == pytest.approx(1.875, abs=0.03)


def test_one_seed() -> None:
    result = basin(steps(33, -6.1, -4.4, n_seeds=1))
    assert result.found
    assert result.width.low < result.width.estimate < result.width.high


@pytest.mark.parametrize("resampled", ["seeds", "configurations"])
def test_same_generator_seed_same_interval(resampled: str) -> None:
    success = (np.random.default_rng(3).random((30, 3)) < 0.6).astype(float)
    assert basin(success, resampled=resampled) == basin(success, resampled=resampled)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rates": [1e-5]}, "learning_rates must have shape"),
        ({"rates": [0.0] * 16}, "above 0"),
        ({"rates": [np.nan] * 16}, "above 0"),
        ({"tau": 1.0}, "tau"),
        ({"limits": (1e-3, 1e-5)}, "limits"),
        ({"limits": (1e-5, np.inf)}, "limits"),
        ({"limits": (np.nan, 1e-3)}, "limits"),
        ({"n_resamples": 0}, "n_resamples must be at least 1, received 0"),
    ],
)
def test_bad_input(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        basin(np.ones((16, 2)), **options)


def test_many_configurations_taken_together_have_the_basin_that_they_have_apart(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-6, -3, 2500)
    success = (rng.random((2500, 2)) < 0.9 * ((x > -5.2) & (x < -4.1))[:, None]).astype(float)
    together = learning_rate_basin(success, 10**x, np.random.default_rng(1), n_resamples=200)
    monkeypatch.setattr("tune_stability.analysis.basin.MANY_CONFIGS", 2500)
    apart = learning_rate_basin(success, 10**x, np.random.default_rng(1), n_resamples=200)
    for name in ("lower", "upper"):
        one, other = getattr(together, name), getattr(apart, name)
        for value in ("estimate", "low", "high"):
            assert abs(np.log10(getattr(one, value) / getattr(other, value))) < 0.01
    assert together.width.n_configs == 2500
