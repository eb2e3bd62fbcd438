from __future__ import annotations

import math

import numpy as np
import pytest

from tune_stability.analysis import stability
from tune_stability.errors import UserError


def test_by_hand() -> None:
    # Mean 0.6; squared deviations 0.04, 0, 0.01, 0.01 and 0.04 over 4 give 0.025.
    result = stability([0.4, 0.6, 0.7, 0.5, 0.8], [0, 1, 1, 0, 1])
    assert result.std == pytest.approx(math.sqrt(0.025))
    assert (result.mean, result.median, result.max) == pytest.approx((0.6, 0.6, 0.8))
    assert (result.failed, result.n, result.missing, result.note) == (2, 5, 0, "")


def test_missing_trials_and_trials_without_a_score() -> None:
    result = stability([0.7, 0.9, np.nan, np.nan, 0.1], [1, 1, 0, np.nan, np.nan])
    assert result.mean == pytest.approx(0.8)
    assert (result.failed, result.n, result.missing) == (1, 3, 2)
    assert result.note == "1 failed trials have no score and are not in the moments."


@pytest.mark.parametrize(("scores", "wins"), [([], []), ([np.nan], [np.nan]), ([np.nan], [0.0])])
def test_no_scores(scores: list[float], wins: list[float]) -> None:
    result = stability(scores, wins)
    assert math.isnan(result.mean)
    assert math.isnan(result.std)
    assert "at least two seeds" in result.note


def test_one_seed_has_no_spread() -> None:
    result = stability([0.7], [1])
    assert result.mean == 0.7
    assert math.isnan(result.std)
    assert result.note == "1 scores show no spread; run at least two seeds."


@pytest.mark.parametrize("arguments", [([0.5], [1, 1]), ([[0.5]], [[1]])])
def test_shapes(arguments: tuple[object, object]) -> None:
    with pytest.raises(UserError, match="one shape"):
        stability(*arguments)  # type: ignore[arg-type]
