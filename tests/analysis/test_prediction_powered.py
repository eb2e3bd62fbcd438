from __future__ import annotations

import numpy as np
import pytest

from tune_stability.analysis import success_rate, widening
from tune_stability.analysis.prediction_powered import (
    CUBE_POINTS,
    Rows,
    prediction_powered_rate,
    prediction_powered_widening,
    rectified,
)
from tune_stability.analysis.region_mean import make_sample
from tune_stability.analysis.surface import fit_surface
from tune_stability.errors import UserError
from tune_stability.sampling.designs import design_points

LABELS = np.arange(32) % 8
NONE = Rows(np.empty((0, 2)), np.empty((0, 1)))


def trials(points: np.ndarray, n_seeds: int, rng: np.random.Generator) -> Rows:
    """Success below a place on the first axis."""
    return Rows.of((rng.random((len(points), n_seeds)) < 0.9 * (points[:, :1] < 0.4)).astype(float), points)


@pytest.fixture
def design() -> Rows:
    return trials(design_points("sobol", 32, 1, 0, replicates=8), 2, np.random.default_rng(0))


@pytest.fixture
def adaptive() -> Rows:
    rng = np.random.default_rng(1)
    return trials(0.4 + 0.1 * rng.standard_normal((64, 1)).clip(-3, 3), 3, rng)


def test_values_by_hand(design: Rows, adaptive: Rows) -> None:
    values, sample = rectified(design, adaptive, make_sample(None, 32, "sobol", LABELS))
    joined = np.concatenate([adaptive.success, np.pad(design.success, ((0, 0), (0, 1)), constant_values=np.nan)])
    places = np.concatenate([adaptive.points, design.points])
    whole = fit_surface(joined, places)
    rest = np.concatenate([np.full(64, True), LABELS != 3])
    surface = whole.refit(joined[rest], places[rest])
    middles = (np.arange(CUBE_POINTS) + 0.5)[:, None] / CUBE_POINTS
    own = LABELS == 3
    expected = (
        design.success[own].mean(1) - surface.probability(design.points[own]) + surface.probability(middles).mean()
    )
    np.testing.assert_allclose(values[own], expected, atol=1e-4)
    np.testing.assert_array_equal(sample.replicate, LABELS)


def test_adaptive_rows_narrow_the_interval_and_do_not_move_it(design: Rows, adaptive: Rows) -> None:
    plain = success_rate(design.success, replicate=LABELS)
    powered = prediction_powered_rate(design, adaptive, replicate=LABELS)
    assert powered.high - powered.low < 0.75 * (plain.high - plain.low)
    assert powered.low < 0.36 < powered.high
    assert powered.method == "Wilson, effective size, prediction-powered, independent folds"
    assert (powered.n_configs, powered.n_trials, powered.missing) == (32, 64 + 192, 0)


@pytest.mark.slow
def test_a_surface_that_misleads_does_not_bias(adaptive: Rows) -> None:
    # Every adaptive row lies about its success; the estimate over many studies is still that of the design rows.
    lying = Rows(1 - adaptive.success, adaptive.points)
    rng = np.random.default_rng(2)
    estimates = [
        prediction_powered_rate(
            trials(design_points("sobol", 16, 1, study, replicates=8), 2, rng), lying, replicate=LABELS[:16]
        ).estimate
        for study in range(40)
    ]
    error = np.std(estimates, ddof=1) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - 0.36) < 4 * error < 0.15


def test_widening_is_the_difference_of_the_rates(design: Rows, adaptive: Rows) -> None:
    failing = Rows(np.zeros_like(design.success), design.points), Rows(np.zeros((0, 2)), np.empty((0, 1)))
    powered = prediction_powered_widening(failing, (design, adaptive), replicate=LABELS)
    rate = prediction_powered_rate(design, adaptive, replicate=LABELS)
    assert powered.baseline.estimate == pytest.approx(0.0, abs=1e-9)
    assert powered.difference.estimate == pytest.approx(rate.estimate)
    plain = widening(failing[0].success, design.success, replicate=LABELS).difference
    assert powered.difference.high - powered.difference.low < plain.high - plain.low


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_alike_is_no_certainty(value: float) -> None:
    points = design_points("sobol", 32, 1, 0, replicates=8)
    interval = prediction_powered_rate(Rows.of(np.full((32, 2), value), points), NONE, replicate=LABELS)
    assert interval.estimate == pytest.approx(value)
    assert interval.high - interval.low > 0.05


def test_missing_trials_are_counted_and_left_out(design: Rows, adaptive: Rows) -> None:
    success = design.success.copy()
    success[3], success[5, 0] = np.nan, np.nan
    interval = prediction_powered_rate(Rows(success, design.points), adaptive, replicate=LABELS)
    assert (interval.n_configs, interval.n_trials, interval.missing) == (31, 61 + 192, 3)
    assert np.isfinite([interval.estimate, interval.low, interval.high]).all()


def test_folds_of_a_random_design_are_drawn(design: Rows, adaptive: Rows) -> None:
    one, same, other = (prediction_powered_rate(design, adaptive, "random", seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one.estimate != other.estimate


def test_too_few_configurations() -> None:
    one = Rows.of([[1.0, 0.0]], [[0.5]])
    with pytest.raises(UserError, match="at least two configurations of a design, received 1"):
        prediction_powered_rate(one, one)
