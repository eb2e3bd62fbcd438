from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tune_stability.analysis import unit_points
from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.spaces import SearchSpace


def test_integer_axes_are_spread_over_their_stretch() -> None:
    space = SearchSpace("epochs", (Axis("num_epochs", 1, 2),))
    points = unit_points(pd.DataFrame({"num_epochs": [1, 2, 1, 2, 2, 2]}), space)
    np.testing.assert_allclose(points[:, 0], [0.125, 0.5625, 0.375, 0.6875, 0.8125, 0.9375])


@pytest.mark.parametrize(
    ("axis", "values", "expected"),
    [
        (ChoiceAxis("lr_scheduler_type", ("linear", "cosine")), ["cosine", "linear", "cosine"], [0.625, 0.25, 0.875]),
        (ChoiceAxis("bias_correction", (True, False)), [False, False, True, False], [7 / 12, 0.75, 0.25, 11 / 12]),
        (ChoiceAxis("batch_size", (8, 16, 32)), [32, 8, 32, 16], [0.75, 1 / 6, 11 / 12, 0.5]),
        (ChoiceAxis("dropout", (0.0, 0.1)), [0.1, 0.0], [0.75, 0.25]),
    ],
)
def test_choices_are_spread_over_their_share(axis: ChoiceAxis, values: list, expected: list[float]) -> None:
    points = unit_points(pd.DataFrame({axis.name: values}), SearchSpace("c", (axis,)))
    np.testing.assert_allclose(points[:, 0], expected)


def test_a_value_that_is_no_choice_of_the_space_is_refused() -> None:
    space = SearchSpace("c", (ChoiceAxis("batch_size", (8, 16)),))
    with pytest.raises(UserError, match=r"^batch_size is 24 in a trial, its choices in this space are 8, 16; "):
        unit_points(pd.DataFrame({"batch_size": [8, 24]}), space)


@pytest.mark.parametrize(
    ("axis", "values", "words"),
    [
        (Axis("learning_rate", 1e-6, 1e-4, "log"), [1e-5, 2e-4], "learning_rate is 0.0002 in a trial, .* to 0.0001; "),
        (Axis("learning_rate", 1e-6, 1e-4, "log"), [0.0], "learning_rate is 0 in a trial"),
        (Axis("learning_rate", 1e-6, 1e-4, "log"), [np.nan], "learning_rate is nan in a trial"),
        (Axis("warmup_ratio", 0.0, 0.3), [-0.1], "warmup_ratio is -0.1 in a trial"),
        (Axis("num_epochs", 2, 20, "log"), [1], "num_epochs is 1 in a trial, and this space has it from 2 to 20; "),
    ],
)
def test_a_value_outside_the_range_is_refused(axis: Axis, values: list[float], words: str) -> None:
    with pytest.raises(UserError, match=words):
        unit_points(pd.DataFrame({axis.name: values}), SearchSpace("s", (axis,)))


def test_an_end_may_be_off_by_rounding() -> None:
    axis = Axis("learning_rate", 1e-6, 1e-4, "log")
    points = unit_points(
        pd.DataFrame({"learning_rate": [1e-6 * (1 - 1e-9), 1e-4 * (1 + 1e-9)]}), SearchSpace("s", (axis,))
    )
    np.testing.assert_array_equal(points, [[0.0], [1.0]])
