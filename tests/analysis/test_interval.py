from __future__ import annotations

import math

import numpy as np
import pytest

from tune_stability.analysis import (
    Interval,
    blaker,
    calibrate,
    fit_surface,
    learning_rate_basin,
    learning_rate_sensitivity,
    look_level,
    region_at,
    seeds_needed,
    slice_along,
    variance_split,
    widening,
)
from tune_stability.errors import UserError
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.spaces import get_space

INTERVAL = Interval(0.4375, 0.382, 0.4949, 0.95, 32, 96, 0, "Wilson")


@pytest.mark.parametrize(
    ("unit", "digits", "text"),
    [
        ("plain", None, "0.438 [0.382, 0.495]"),
        ("percent", None, "43.8 % [38.2, 49.5]"),
        ("percent", 0, "44 % [38, 49]"),
        ("points", None, "+43.8 points [+38.2, +49.5]"),
    ],
)
def test_format(unit: str, digits: int | None, text: str) -> None:
    assert INTERVAL.format(unit, digits) == text  # type: ignore[arg-type]


def test_str_is_plain() -> None:
    assert str(INTERVAL) == "0.438 [0.382, 0.495]"


def test_distrusted_is_marked_and_keeps_earlier_notes() -> None:
    twice = INTERVAL.distrusted("First.").distrusted("Second.")
    assert not twice.trustworthy
    assert twice.note == "First. Second."
    assert str(twice) == "0.438 [0.382, 0.495] ?"


def test_missing_and_infinite_values_have_a_text() -> None:
    assert Interval(math.nan, 0.0, math.inf, 0.95, 0, 0, 0, "").format() == "- [0.000, inf]"


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, 2.0, math.nan])
def test_level_is_checked(level: float) -> None:
    success, points, rng = np.eye(16), (np.arange(16)[:, None] + 0.5) / 16, np.random.default_rng(0)
    surface = fit_surface(success, points)
    space, at = get_space("lr", 2e-5), Hyperparameters(learning_rate=2e-5)
    for estimate in (
        lambda: Interval(0.5, 0, 1, level, 1, 1, 0, ""),
        lambda: widening(success, success, level=level),
        lambda: blaker(1, 16, level),
        lambda: seeds_needed(success[0], level=level),
        lambda: learning_rate_sensitivity(success, np.geomspace(1e-6, 1e-4, 16), rng, floor=0.0, level=level),
        lambda: variance_split(rng.random((16, 2, 2, 2)), rng, level=level),
        lambda: slice_along(surface, space, "learning_rate", at, level=level),
        lambda: look_level(1, 64, level),
    ):
        with pytest.raises(UserError, match=r"^level must lie in \(0, 1\), received .*; 0.95 is usual.$"):
            estimate()


@pytest.mark.parametrize(("n_trials", "missing", "trustworthy"), [(9, 1, True), (8, 2, False), (0, 0, True)])
def test_more_than_a_tenth_missing_is_said(n_trials: int, missing: int, trustworthy: bool) -> None:
    found = Interval(0.5, 0, 1, 0.95, 1, n_trials, missing, "").judged_by_missing()
    assert found.trustworthy == trustworthy
    assert found.note == ("" if trustworthy else "2 of 10 trials are missing, perhaps not at random.")


def test_what_is_fitted_to_half_of_the_trials_is_not_trusted() -> None:
    rng, rates = np.random.default_rng(0), np.geomspace(1e-6, 1e-3, 64)
    success = np.repeat((rates > 1e-5)[:, None] & (rates < 1e-4)[:, None], 4, axis=1).astype(float)
    success[:, 2:] = np.nan
    points = np.linspace(0, 1, 64)[:, None]
    basin = learning_rate_basin(success, rates, rng, n_resamples=50)
    for found in (
        basin.lower,
        basin.upper,
        basin.width,
        learning_rate_basin(1 - success[:, :1] + np.full((64, 2), [0, np.nan]), rates, rng, tau=0.9).width,
        region_at(fit_surface(success, points), 0.5, rng),
        calibrate(success, points, rng).log_loss_gain,
        seeds_needed(success[0]),
        learning_rate_sensitivity(success + 0.1 * rng.random((64, 4)), rates, rng, floor=0.0),
    ):
        assert not found.trustworthy
        assert "trials are missing, perhaps not at random." in found.note
