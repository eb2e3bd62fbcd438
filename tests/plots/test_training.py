from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tune_stability.plots import plot_gradients, plot_score_against_loss
from tune_stability.plots.style import arm_styles, depth_colours

BOTH = ["devlin", "stable"]


def test_a_line_for_each_layer_group_on_a_log_scale() -> None:
    table = pd.DataFrame(
        {
            "layer_group": ["layer_1"] * 3 + ["classifier"] * 3,
            "step": [0, 1, 2] * 2,
            "norm": [1, 0, math.inf, 2, 3, math.nan],
        }
    )
    ax = plot_gradients(table, Figure().subplots())
    lower, upper = ax.lines
    np.testing.assert_array_equal(lower.get_ydata(), [1, np.nan, np.nan])
    np.testing.assert_array_equal(upper.get_ydata(), [2, 3, np.nan])
    assert [line.get_label() for line in ax.lines] == ["layer 1", "classifier"]
    assert [to_hex(line.get_color()) for line in ax.lines] == depth_colours(2)
    assert (ax.get_yscale(), ax.get_xlabel(), ax.get_ylabel()) == ("log", "step", "gradient norm")


def test_colours_of_depth_rise_in_lightness() -> None:
    def lightness(colour: str) -> float:
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for count in (1, 2, 10):
        shades = [lightness(colour) for colour in depth_colours(count)]
        assert len(shades) == count
        assert shades == sorted(shades)


def ends(losses: list[float]) -> pd.DataFrame:
    outcomes = ["success", "failed", "success", "failed"]
    scores = [0.9, 0.5, 0.8, math.nan]
    recipes = ["devlin", "devlin", "stable", "stable"]
    return pd.DataFrame({"recipe": recipes, "train_loss": losses, "score": scores, "outcome": outcomes})


def test_discs_and_crosses_in_the_colours_of_the_arms() -> None:
    ax = plot_score_against_loss(ends([0.1, 0.7, 0.01, math.nan]), Figure().subplots(), BOTH, 0.5, "f1_score")
    colours = [colour for colour, _ in arm_styles(BOTH).values()]
    points = ax.lines[:4]
    assert [(line.get_color(), line.get_marker()) for line in points] == [
        (colour, marker) for colour in colours for marker in ("o", "x")
    ]
    assert points[0].get_xydata().tolist() == [[0.1, 0.9]]
    assert list(ax.lines[4].get_ydata()) == [0.5, 0.5]
    assert (ax.get_xscale(), ax.get_ylabel()) == ("log", "f1 score at the end")
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [*BOTH, "success", "failed", "majority"]


def test_a_loss_of_zero_has_a_place() -> None:
    ax = plot_score_against_loss(ends([0.0, 0.7, 0.1, 0.2]), Figure().subplots(), BOTH, 0.5, "accuracy")
    assert ax.get_xscale() == "linear"
