from __future__ import annotations

import numpy as np
import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.views import difference_table, slice_table, surface_table
from tune_stability.views.space_parts import axis_pairs, chosen_values, held_values, main_axis, places

WIDE = get_space("wide", 2e-5)
RATE, WARMUP, EPOCHS = WIDE.axes
NAMES = ChoiceAxis("lr_scheduler_type", ("linear", "cosine"))


def half(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 and (seed % 2 == 0 or recipe == "stable") else "u"


def test_a_surface_has_a_row_per_arm_and_cell(make_frame, make_view) -> None:
    view = make_view(make_frame(half))
    table = surface_table(view, "learning_rate", "num_epochs")
    assert list(table.columns) == ["recipe", "learning_rate", "num_epochs", "probability", "warmup_ratio"]
    assert table.groupby("recipe").size().to_dict() == {"devlin": 60 * 20, "stable": 60 * 20}
    assert sorted(table["num_epochs"].unique()) == list(range(1, 21))
    # Held at the warmup of both recipes as published.
    assert set(table["warmup_ratio"]) == {0.1}
    row = table[(table["recipe"] == "stable") & (table["num_epochs"] == 5)].iloc[7]
    assert row["learning_rate"] == pytest.approx(RATE.value(7.5 / 60))
    point = [7.5 / 60, 0.1 / 0.3, np.mean(EPOCHS.stretch(5))]
    assert row["probability"] == pytest.approx(view.surfaces["stable"].probability([point])[0])


def test_the_difference_is_cell_by_cell(make_frame, make_view) -> None:
    surfaces = surface_table(make_view(make_frame(half)), "learning_rate", "warmup_ratio")
    table = difference_table(surfaces, "devlin", "stable")
    columns = ["baseline", "treatment", "learning_rate", "warmup_ratio", "difference", "num_epochs"]
    assert list(table.columns) == columns
    assert len(table) == 60 * 30
    by_arm = {name: rows["probability"].to_numpy() for name, rows in surfaces.groupby("recipe")}
    np.testing.assert_allclose(table["difference"], by_arm["stable"] - by_arm["devlin"])
    assert table["difference"].max() > 0.1


def test_a_slice_is_the_surface_along_a_line(make_frame, make_view) -> None:
    view = make_view(make_frame(half))
    table = slice_table(view, "learning_rate", {"num_epochs": 20})
    assert list(table.columns) == [
        *("recipe", "learning_rate", "probability", "low", "high"),
        *("warmup_ratio", "num_epochs"),
    ]
    assert set(table["num_epochs"]) == {20}
    assert set(table["warmup_ratio"]) == {0.1}
    assert ((table["low"] < table["probability"]) & (table["probability"] < table["high"])).all()
    last = table[table["recipe"] == "devlin"].iloc[-1]
    point = [1.0, 0.1 / 0.3, np.mean(EPOCHS.stretch(20))]
    # A slice puts a value in the scale, a grid in the middle of the value's stretch.
    assert last["probability"] == pytest.approx(view.surfaces["devlin"].probability([point])[0], abs=0.02)


def test_without_a_design_there_is_no_surface(make_frame, make_view) -> None:
    view = make_view(make_frame(half), sampler="tpe")
    assert surface_table(view, "learning_rate", "num_epochs").empty
    assert slice_table(view, "learning_rate", {"num_epochs": 3}).empty


@pytest.mark.parametrize(
    ("recipes", "settings", "expected"),
    [
        (("devlin", "stable"), {}, {"warmup_ratio": 0.1, "num_epochs": 3}),
        # One arm is held at its own epochs; two with the same warmup at theirs.
        (("stable",), {}, {"warmup_ratio": 0.1, "num_epochs": 20}),
        (("devlin", "no-warmup"), {}, {"warmup_ratio": 0.15, "num_epochs": 3}),
        (("devlin", "stable"), {"warmup_ratio": 0.2}, {"warmup_ratio": 0.2, "num_epochs": 3}),
        # Outside the space: the middle.
        (("devlin", "stable"), {"warmup_ratio": 0.5}, {"warmup_ratio": 0.15, "num_epochs": 3}),
    ],
)
def test_others_are_held_at_the_recipes_own_value_or_the_middle(
    make_frame, make_view, recipes, settings, expected
) -> None:
    frame = make_frame(half, n_configs=4)
    second = frame[frame["recipe"] == "stable"].assign(recipe="no-warmup")
    frame = frame.iloc[:0] if len(recipes) == 0 else _of(frame, second, recipes)
    view = make_view(frame, recipes=recipes, settings=settings)
    assert held_values(view, ("learning_rate",)) == pytest.approx(expected)


def _of(frame, second, recipes):
    import pandas as pd

    every = pd.concat([frame, second], ignore_index=True)
    return every[every["recipe"].isin(recipes)].reset_index(drop=True)


def test_slices_are_taken_at_the_recipes_own_values_and_the_ends(make_frame, make_view) -> None:
    view = make_view(make_frame(half, n_configs=4))
    assert chosen_values(view, EPOCHS) == [1, 3, 20]
    assert chosen_values(view, WARMUP) == [0.0, 0.1, 0.3]
    # Neither recipe's epochs are in the space: both ends and the middle.
    assert chosen_values(view, Axis("num_epochs", 4, 16, "log")) == [4, 8, 16]
    assert chosen_values(view, ChoiceAxis("batch_size", (8, 64))) == [8, 64]


@pytest.mark.parametrize(
    ("axes", "main", "pairs"),
    [
        (WIDE.axes, "learning_rate", ["num_epochs", "warmup_ratio"]),
        ((RATE,), "learning_rate", []),
        ((NAMES, RATE), "learning_rate", []),
        ((Axis("weight_decay", 0, 0.1), EPOCHS), "weight_decay", ["num_epochs"]),
        ((NAMES, EPOCHS), "lr_scheduler_type", []),
        (
            (Axis("weight_decay", 0, 0.1), WARMUP, RATE, ChoiceAxis("bias_correction", (False, True))),
            "learning_rate",
            ["warmup_ratio", "weight_decay"],
        ),
    ],
)
def test_which_axes_are_looked_at_together(axes, main: str, pairs: list[str]) -> None:
    space = SearchSpace("own", axes)
    assert main_axis(space).name == main
    assert [(across.name, up.name) for across, up in axis_pairs(space)] == [(main, name) for name in pairs]


def test_cells_lie_in_the_middle_and_are_never_too_many() -> None:
    np.testing.assert_allclose(places(RATE, 4), [0.125, 0.375, 0.625, 0.875])
    many = Axis("num_epochs", 1, 200, "log")
    assert len(places(many, 30)) <= 32
    values = [many.value(float(u)) for u in places(many, 30)]
    assert values == sorted(set(values))
    assert (values[0], values[-1]) == (1, 200)
