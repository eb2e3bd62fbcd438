from __future__ import annotations

import math
import time

import numpy as np
import pytest
from scipy import special
from scipy.stats import qmc

from tune_stability.analysis import surface as module
from tune_stability.analysis.surface import fit_surface
from tune_stability.errors import UserError

SOBOL = qmc.Sobol(2, scramble=True, rng=0).random(64)


def basin(points: np.ndarray) -> np.ndarray:
    """A plateau of 0.9 in the middle of the first axis, 0 outside; the second axis plays no part."""
    return 0.9 * (np.abs(points[:, 0] - 0.5) < 0.25)


def study(n_seeds: int = 3, seed: int = 0, points: np.ndarray = SOBOL) -> np.ndarray:
    return (np.random.default_rng(seed).random((len(points), n_seeds)) < basin(points)[:, None]).astype(float)


@pytest.fixture(scope="module")
def fitted():
    return fit_surface(study(), SOBOL)


def test_it_finds_the_basin_its_plateau_and_the_axis_that_plays_no_part(fitted) -> None:
    middle, outside = [[0.5, 0.2], [0.5, 0.8], [0.45, 0.5]], [[0.05, 0.2], [0.95, 0.8]]
    assert fitted.probability(middle) == pytest.approx([0.9] * 3, abs=0.15)
    assert fitted.probability(outside).max() < 0.15
    assert (fitted.n_axes, fitted.n_configs, fitted.n_trials, fitted.missing) == (2, 64, 192, 0)
    first, second = np.exp(fitted.fit.kernel.theta[1:])
    assert second > 2 * first


def test_the_probability_is_averaged_over_the_latent(fitted) -> None:
    mean, sd = fitted.latent([[0.27, 0.5]])
    drawn = special.expit(mean + sd * np.random.default_rng(0).standard_normal(200_000)).mean()
    assert fitted.probability([[0.27, 0.5]])[0] == pytest.approx(drawn, abs=0.004)


def test_blocks_of_points_change_nothing(fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fitted.latent(SOBOL)
    monkeypatch.setattr(module, "_BLOCK", 7)
    np.testing.assert_allclose(fitted.latent(SOBOL), whole, rtol=1e-9)


def test_the_order_of_rows_and_of_seeds_changes_nothing(fitted) -> None:
    rng = np.random.default_rng(1)
    order = rng.permutation(64)
    other = fit_surface(rng.permuted(study()[order], axis=1), SOBOL[order])
    np.testing.assert_allclose(other.probability(SOBOL), fitted.probability(SOBOL), atol=1e-3)


def test_failed_for_success_turns_the_surface_over(fitted) -> None:
    np.testing.assert_allclose(
        fit_surface(1 - study(), SOBOL).probability(SOBOL), 1 - fitted.probability(SOBOL), atol=1e-3
    )


def test_missing_trials_are_as_if_never_planned(fitted) -> None:
    wider = np.hstack([study(), np.full((64, 2), np.nan)])
    other = fit_surface(np.vstack([wider, np.full((1, 5), np.nan)]), np.vstack([SOBOL, [[0.5, 0.5]]]))
    assert (other.n_configs, other.n_trials, other.missing) == (64, 192, 64 * 2 + 5)
    np.testing.assert_allclose(other.probability(SOBOL), fitted.probability(SOBOL), atol=1e-9)


def test_more_seeds_of_a_configuration_make_it_surer() -> None:
    points = [[0.25], [0.75]]
    few, many = (fit_surface([[1.0] * n, [0.0] * n], points).latent(points)[0] for n in (1, 20))
    assert many[0] > few[0] > 0 > few[1] > many[1]


@pytest.mark.parametrize(
    ("success", "wins", "losses", "said"),
    [
        # Equal outcomes count once per configuration, others once per trial; half a trial more of each.
        ([[1, 1], [1, 1], [1, 1]], 3.5, 0.5, "All trials succeeded"),
        ([[0, 0], [0, np.nan]], 0.5, 2.5, "All trials failed"),
        ([[1, 0, 1, 1]], 3.5, 1.5, "one configuration"),
        ([[1, 1, 1]], 1.5, 0.5, "All trials succeeded"),
        ([[1, 0], [np.nan, np.nan]], 1.5, 1.5, "one configuration"),
    ],
)
def test_where_no_surface_can_be_fitted_it_is_constant_and_says_so(success, wins, losses, said: str) -> None:
    surface = fit_surface(success, np.linspace(0.1, 0.9, len(success))[:, None])
    assert said in surface.note
    assert "constant" in surface.note
    draws = np.random.default_rng(0).beta(wins, losses, 400_000)
    mean, sd = surface.latent([[0.0], [1.0]])
    logits = special.logit(np.clip(draws, 1e-300, 1 - 1e-16))
    assert mean == pytest.approx([logits.mean()] * 2, abs=0.02)
    assert sd == pytest.approx([logits.std()] * 2, abs=0.02)
    assert surface.probability([[0.5]])[0] == pytest.approx(wins / (wins + losses), abs=0.06)


@pytest.mark.parametrize("rate", [0.02, 0.98])
def test_rare_outcomes(rate: float) -> None:
    success = np.full((64, 1), float(rate > 0.5))
    success[5] = 1 - success[5]
    p = fit_surface(success, SOBOL).probability(SOBOL)
    assert p.mean() == pytest.approx(rate, abs=0.05)
    assert np.isfinite(p).all()


def test_configurations_that_lie_on_one_another() -> None:
    p = fit_surface([[1.0], [0.0], [1.0], [0.0]], [[0.5]] * 4).probability([[0.5]])
    assert p == pytest.approx([0.5], abs=0.01)


def test_an_end_that_is_reached_is_noted_and_warns_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    # A prior far beyond the range pulls the amplitude to its end.
    monkeypatch.setattr(module, "_AMPLITUDE", (math.log(1e6), 0.01))
    assert "end of its range" in fit_surface(study(1), SOBOL).note


def test_too_many_trials_are_told_by_a_subset_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIT_TRIALS", 40)
    monkeypatch.setattr(module, "USED_CONFIGS", 50)
    surface = fit_surface(study(), SOBOL)
    assert "Lengths and amplitude were fitted to 40 of 192 trials." in surface.note
    assert "The surface was fitted to 50 of 64 configurations." in surface.note
    assert len(surface.fit.x) == 50
    assert surface.n_configs == 64
    assert np.abs(surface.probability(SOBOL) - basin(SOBOL)).mean() < 0.2
    same, other = (fit_surface(study(), SOBOL, seed=seed).probability(SOBOL) for seed in (0, 1))
    np.testing.assert_array_equal(same, surface.probability(SOBOL))
    assert not np.array_equal(same, other)


def test_a_subset_keeps_the_rare_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIT_TRIALS", 10)
    success = np.zeros((64, 3))
    success[7, 1] = 1
    assert fit_surface(success, SOBOL).probability(SOBOL).max() < 0.5


@pytest.mark.parametrize(
    ("success", "points", "said"),
    [
        ([1, 0], [[0.1], [0.2]], r"\(n_configs, n_seeds\)"),
        ([[0.5], [1]], [[0.1], [0.2]], "judge scores first"),
        ([[1], [0]], [[0.1]], "points must have shape"),
        ([[1], [0]], [[0.1], [1.2]], "unit cube"),
        ([[1], [0]], [[0.1], [np.nan]], "unit cube"),
        ([[np.nan], [np.nan]], [[0.1], [0.2]], "no trial has an outcome"),
        (np.empty((0, 3)), np.empty((0, 1)), "no trial has an outcome"),
    ],
)
def test_bad_input_is_one_line(success, points, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        fit_surface(success, points)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("points", "said"),
    [([0.5, 0.5], "shape"), ([[0.5]], "shape"), ([[0.5, 2]], "unit cube"), (np.empty((0, 2)), "shape")],
)
def test_points_that_are_none_are_one_line(fitted, points, said: str) -> None:
    with pytest.raises(UserError, match=said):
        fitted.probability(points)


@pytest.mark.slow
def test_five_hundred_configurations_take_seconds() -> None:
    points = qmc.Sobol(2, scramble=True, rng=0).random(512)
    start = time.process_time()
    surface = fit_surface(study(5, points=points), points)
    assert time.process_time() - start < 10
    assert np.abs(surface.probability(points) - basin(points)).mean() < 0.06
