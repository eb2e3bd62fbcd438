from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from tune_stability.analysis import calibration as module
from tune_stability.analysis.calibration import calibrate
from tune_stability.errors import UserError

POINTS = qmc.Sobol(1, scramble=True, rng=0).random(32)
STEP = np.tile(POINTS > 0.5, (1, 3)).astype(float)


class Known:
    """A surface that says 0.8 in the upper half and 0.2 in the lower."""

    def probability(self, points: np.ndarray) -> np.ndarray:
        return np.where(points[:, 0] > 0.5, 0.8, 0.2)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, np.ndarray]]:
    """Every surface is `Known`; the trials that each was fitted to."""
    fitted_to: list[tuple[np.ndarray, np.ndarray]] = []

    def fit(success: np.ndarray, points: np.ndarray) -> Known:
        fitted_to.append((success, points))
        return Known()

    monkeypatch.setattr(module, "fit_surface", fit)
    return fitted_to


def test_losses_gains_and_bins_by_hand(known) -> None:
    # Eight configurations; in each half three succeed or fail always, as foreseen, and one in one seed of two.
    points = np.array([[0.1], [0.2], [0.3], [0.4], [0.6], [0.7], [0.8], [0.9]])
    success = np.array([[0, 0]] * 3 + [[0, 1]] + [[1, 0]] + [[1, 1]] * 3, dtype=float)
    result = calibrate(success, points, np.random.default_rng(0), n_folds=8)
    sure, split = -math.log(0.8), -(math.log(0.8) + math.log(0.2)) / 2
    assert result.log_loss == pytest.approx((6 * sure + 2 * split) / 8)
    assert result.brier == pytest.approx((6 * 0.04 + 2 * (0.04 + 0.64) / 2) / 8)
    # Without one of 8 successes and failures there are 6, 7 or 8 of 14 trials, and half a trial more of each.
    sixth, half = 6.5 / 15, 0.5
    others = np.array([-math.log(sixth)] * 6 + [-math.log(half)] * 2)
    assert result.reference_log_loss == pytest.approx(others.mean())
    gains = others - np.array([sure] * 6 + [split] * 2)
    assert result.log_loss_gain.estimate == pytest.approx(gains.mean())
    # Eight folds: the variance of the mean is taken 1 + 8 / 7 times.
    t = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    half = (t.high - t.low) / 2 * math.sqrt(15 / 7)
    expected = gains.mean() - half, gains.mean() + half
    assert (result.log_loss_gain.low, result.log_loss_gain.high) == pytest.approx(expected)
    assert (result.log_loss_gain.n_configs, result.log_loss_gain.n_trials, result.n_folds) == (8, 16, 8)
    assert [(b.low, b.high, b.predicted, b.observed.estimate, b.observed.n_configs) for b in result.bins] == [
        (0.2, 0.4, pytest.approx(0.2), 1 / 8, 4),
        (0.8, 1.0, pytest.approx(0.8), 7 / 8, 4),
    ]


def test_no_configuration_is_foreseen_from_its_own_seeds(known) -> None:
    calibrate(STEP, POINTS, np.random.default_rng(0), n_folds=5)
    assert [len(success) for success, _ in known] == [25, 25, 26, 26, 26]
    left_out = [set(POINTS[:, 0]) - set(points[:, 0]) for _, points in known]
    assert [len(out) for out in left_out] == [7, 7, 6, 6, 6]
    assert set.union(*left_out) == set(POINTS[:, 0])


def test_a_surface_that_is_good_gains_and_one_of_noise_does_not() -> None:
    good = calibrate(STEP, POINTS, np.random.default_rng(0))
    assert good.log_loss < good.reference_log_loss
    assert good.log_loss_gain.low > 0
    assert good.brier_gain.low > 0
    assert good.bins[0].observed.estimate < 0.1 < 0.9 < good.bins[-1].observed.estimate
    noise = np.random.default_rng(1).integers(0, 2, (32, 1)).astype(float)
    assert calibrate(noise, POINTS, np.random.default_rng(0)).log_loss_gain.low < 0


def test_the_generator_decides_the_folds_alone() -> None:
    first, same, other = (calibrate(STEP, POINTS, np.random.default_rng(seed), n_folds=3) for seed in (0, 0, 1))
    assert first == same
    assert first.log_loss != other.log_loss


def test_missing_trials_are_left_out(known) -> None:
    success = np.vstack([STEP, [[np.nan] * 3]])
    success[0, 0] = np.nan
    result = calibrate(success, np.vstack([POINTS, [[0.5]]]), np.random.default_rng(0))
    assert (result.log_loss_gain.n_configs, result.log_loss_gain.n_trials, result.log_loss_gain.missing) == (32, 95, 4)
    assert result.log_loss == pytest.approx(-math.log(0.8))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_where_all_ended_alike_the_gain_is_not_trusted(value: float) -> None:
    result = calibrate(np.full((16, 2), value), POINTS[:16], np.random.default_rng(0))
    assert not result.log_loss_gain.trustworthy
    assert "ended alike" in result.log_loss_gain.note
    assert math.isfinite(result.log_loss)


def test_few_configurations_are_not_trusted() -> None:
    result = calibrate([[1, 0], [0, 0], [1, 1]], [[0.1], [0.5], [0.9]], np.random.default_rng(0))
    assert result.n_folds == 3
    assert "3 configurations are too few" in result.brier_gain.note


@pytest.mark.parametrize(
    ("success", "points", "n_folds", "said"),
    [
        ([[1, 0]], [[0.5]], 5, "at least 2 configurations with an outcome, received 1"),
        ([[1, 0], [np.nan, np.nan]], [[0.5], [0.6]], 5, "received 1"),
        ([[np.nan]], [[0.5]], 5, "received 0"),
        ([[1], [0]], [[0.5], [0.6]], 1, "n_folds must be at least 2, received 1"),
        ([[2], [0]], [[0.5], [0.6]], 5, "judge scores first"),
    ],
)
def test_bad_input_is_one_line(success, points, n_folds: int, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        calibrate(success, points, np.random.default_rng(0), n_folds=n_folds)
    assert "\n" not in str(caught.value)
