from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tune_stability.plots import plot_basin, plot_scores
from tune_stability.plots.style import arm_styles

BOTH = ["devlin", "stable"]
RATES = [1e-5, 1e-4, 1e-3]


def axes() -> Axes:
    return Figure().subplots()


def draw(ax: Axes) -> None:
    ax.figure.savefig(io.BytesIO(), format="png", dpi=40)


CURVES = pd.DataFrame(
    [(name, rate, 0.5, 0.3, 0.8) for name in BOTH for rate in RATES],
    columns=["recipe", "learning_rate", "probability", "low", "high"],
)
POINTS = pd.DataFrame([(name, 1e-4, share) for name in BOTH for share in (0.0, 1.0)]).set_axis(
    ["recipe", "learning_rate", "share"], axis=1
)


def basins(recipe: str, is_sure: bool, found: bool = True) -> pd.DataFrame:
    rows = [("lower", 1e-5, 0.9e-5, 2e-5), ("upper", 1e-3, 0.8e-3, 2e-3), ("width", 2.0, 1.8, 2.2)]
    table = pd.DataFrame(rows, columns=["quantity", "estimate", "low", "high"])
    return table.assign(recipe=recipe, found=found, inside=True, trustworthy=is_sure)


def test_curves_bands_points_and_the_recipes_own_rate() -> None:
    ax = axes()
    assert plot_basin(CURVES, ax, points=POINTS, limits=(1e-6, 1e-2), reference=2e-5) is ax
    draw(ax)
    curves = [line for line in ax.lines if len(line.get_xdata()) == 3]
    shares = [line for line in ax.lines if line.get_linestyle() == "None"]
    for curve, points, (colour, marker) in zip(curves, shares, arm_styles(BOTH).values(), strict=True):
        assert curve.get_color() == points.get_color() == colour
        assert points.get_marker() == marker
    # A little apart, so that arms which agree do not hide one another.
    np.testing.assert_allclose([line.get_ydata() for line in shares], [[-0.006, 0.994], [0.006, 1.006]])
    assert [line.get_label() for line in curves] == BOTH
    bands = [collection.get_paths()[0].vertices[:, 1] for collection in ax.collections]
    assert [(band.min(), band.max()) for band in bands] == [(0.3, 0.8)] * 2
    assert [line for line in ax.lines if list(line.get_xdata()) == [2e-5, 2e-5]]
    assert ax.get_xlim() == pytest.approx((1e-6, 1e-2))
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "learning rate")


def test_a_basin_is_a_bar_from_edge_to_edge_with_the_intervals_of_both() -> None:
    ax = axes()
    plot_basin(CURVES, ax, pd.concat([basins("devlin", True), basins("stable", True)]))
    draw(ax)
    bars = [line for line in ax.lines if line.get_linewidth() == 2.5]
    assert [list(bar.get_xdata()) for bar in bars] == [[1e-5, 1e-3]] * 2
    # Below the shares, and apart.
    assert 0 > bars[0].get_ydata()[0] > bars[1].get_ydata()[0]
    edges = [list(line.get_xdata()) for line in ax.lines if line.get_marker() == "|"]
    assert edges == [[0.9e-5, 2e-5], [0.8e-3, 2e-3]] * 2
    assert not ax.texts


def test_what_is_not_trustworthy_has_a_question_mark_and_no_interval() -> None:
    ax = axes()
    plot_basin(CURVES, ax, basins("devlin", False))
    draw(ax)
    assert [text.get_text() for text in ax.texts] == ["?", "?"]
    assert not [line for line in ax.lines if line.get_marker() == "|"]
    assert [line.get_linestyle() for line in ax.lines if list(line.get_xdata()) == [1e-5, 1e-3]] == [":"]


def test_no_basin_and_no_curve() -> None:
    ax = axes()
    plot_basin(CURVES.iloc[:0], ax, basins("devlin", False, found=False), POINTS)
    draw(ax)
    assert [line.get_linestyle() for line in ax.lines] == [":", "None", "None"]


def test_scores_show_every_trial_and_the_median_of_each_rate() -> None:
    rows = [(name, rate, k / 10) for name in BOTH for rate in RATES for k in (0, 1, 5)]
    table = pd.DataFrame(rows, columns=["recipe", "learning_rate", "score"])
    ax = axes()
    assert plot_scores(table.assign(majority_score=0.0, metric="matthews_correlation"), ax) is ax
    draw(ax)
    assert [len(line.get_xdata()) for line in ax.lines if line.get_linestyle() == "None"] == [9, 9]
    medians = [line for line in ax.lines if len(line.get_xdata()) == 3]
    assert [list(line.get_ydata()) for line in medians] == [[0.1] * 3] * 2
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("learning rate", "matthews correlation", "log")
