from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.plots import plot_difference, plot_region, plot_slices, plot_surface
from tune_stability.plots.style import arm_styles
from tune_stability.spaces import SearchSpace, get_space

WIDE = get_space("wide", 2e-5)
SMALL = SearchSpace("s", (Axis("learning_rate", 1e-5, 1e-3, "log"), Axis("num_epochs", 1, 4, "log")))
POINTS = pd.DataFrame({"learning_rate": [1e-5, 1e-4], "num_epochs": [1, 4], "share": [0.0, 0.5]})


def axes() -> Axes:
    return Figure().subplots()


def draw(ax: Axes) -> None:
    ax.figure.savefig(io.BytesIO(), format="png", dpi=40)


def surface(values: list[list[float]], name: str = "probability") -> pd.DataFrame:
    """A row per cell of three learning rates by two numbers of epochs."""
    cells = [(rate, epochs) for epochs in (1, 4) for rate in (1e-5, 1e-4, 1e-3)]
    rows = [(*cell, value) for cell, value in zip(cells, np.ravel(values), strict=True)]
    return pd.DataFrame(rows, columns=["learning_rate", "num_epochs", name])


def test_a_region_has_a_mark_per_configuration_coloured_by_its_share() -> None:
    ax = axes()
    assert plot_region(POINTS, ax, WIDE) is ax
    draw(ax)
    (marks,) = ax.collections
    np.testing.assert_allclose(marks.get_offsets(), [[1e-5, 1], [1e-4, 4]])
    np.testing.assert_array_equal(marks.get_array(), [0.0, 0.5])
    # The colours of 0 and 1 are the same in every figure.
    assert marks.get_clim() == (0.0, 1.0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "epochs")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert list(ax.get_yticks()) == [1, 2, 3, 5, 10, 20]
    rates = WIDE.axes[0]
    assert ax.get_xlim()[0] < rates.low < rates.high < ax.get_xlim()[1]
    assert ax.get_ylim()[0] < 1 < 20 < ax.get_ylim()[1]
    assert [one.get_ylabel() for one in ax.figure.axes[1:]] == ["share of trials that succeed"]


@pytest.mark.parametrize(
    ("axis", "scale", "limits", "ticks"),
    [
        (Axis("num_epochs", 2, 6), "linear", (1.5, 6.5), None),
        (ChoiceAxis("num_epochs", (3, 4, 20)), "log", (2.5, 24), [3, 4, 20]),
        (Axis("num_epochs", 1, 20, "log"), "log", (1 / 1.2, 24), [1, 2, 3, 5, 10, 20]),
    ],
)
def test_epochs_on_other_scales(axis, scale: str, limits: tuple[float, float], ticks: list[int] | None) -> None:
    ax = axes()
    plot_region(POINTS, ax, SearchSpace("own", (WIDE.axes[0], axis)), has_scale=False)
    draw(ax)
    assert ax.get_yscale() == scale
    assert ax.get_ylim() == pytest.approx(limits)
    assert ticks is None or list(ax.get_yticks()) == ticks
    assert len(ax.figure.axes) == 1


def test_a_surface_has_cells_a_line_where_it_is_one_half_and_points() -> None:
    ax = axes()
    table = surface([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]).assign(recipe="stable")[
        ["recipe", "learning_rate", "num_epochs", "probability"]
    ]
    assert plot_surface(table, ax, SMALL, POINTS) is ax
    draw(ax)
    cells, marks = ax.collections
    np.testing.assert_array_equal(cells.get_array(), [[0, 1, 1], [0, 1, 1]])
    assert cells.get_clim() == marks.get_clim() == (0.0, 1.0)
    np.testing.assert_allclose(marks.get_offsets(), [[1e-5, 1], [1e-4, 4]])
    # Half way between 1e-5 and 1e-4 on the log scale, from the first row's centre to the last one's.
    for line in ax.lines:
        np.testing.assert_allclose(line.get_xdata(), 10**-4.5)
        assert sorted(line.get_ydata()) == pytest.approx([1.0, 4.0])
    assert len(ax.lines) == 2


@pytest.mark.parametrize("value", [0.0, 0.2, 1.0])
def test_a_surface_that_is_the_same_everywhere_has_no_line(value: float) -> None:
    ax = axes()
    table = surface([[value] * 3] * 2).assign(recipe="stable")[["recipe", *surface([[0] * 3] * 2).columns]]
    plot_surface(table, ax, SMALL, has_scale=False)
    draw(ax)
    assert not ax.lines
    assert len(ax.collections) == 1


def test_a_difference_is_centred_at_zero_and_in_points() -> None:
    ax = axes()
    table = surface([[0.1, -0.3, 0.0], [0.5, 0.0, 0.0]], "difference")
    table.insert(0, "baseline", "devlin")
    table.insert(1, "treatment", "stable")
    assert plot_difference(table, ax, SMALL) is ax
    draw(ax)
    (cells,) = ax.collections
    np.testing.assert_allclose(cells.get_array(), [[10, -30, 0], [50, 0, 0]])
    assert cells.get_clim() == (-100, 100)


def slices(name: str, values: list, recipes: tuple[str, ...] = ("devlin", "stable")) -> pd.DataFrame:
    rows = [(recipe, value, 0.5, 0.25, 0.75) for recipe in recipes for value in values]
    return pd.DataFrame(rows, columns=["recipe", name, "probability", "low", "high"])


def test_slices_have_a_line_and_a_band_per_arm() -> None:
    ax = axes()
    assert plot_slices(slices("learning_rate", [1e-5, 1e-4, 1e-3]), ax, WIDE) is ax
    draw(ax)
    lines = [line for line in ax.lines if len(line.get_xdata()) == 3]
    for line, (name, (colour, _)) in zip(lines, arm_styles(["devlin", "stable"]).items(), strict=True):
        assert (line.get_label(), line.get_color(), line.get_marker()) == (name, colour, "")
        np.testing.assert_array_equal(line.get_ydata(), [0.5] * 3)
    for band in ax.collections:
        heights = band.get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == (0.25, 0.75)
    assert len(ax.collections) == 2
    assert (ax.get_xscale(), ax.get_xlabel(), ax.get_ylabel()) == ("log", "learning rate", "probability of success")
    assert ax.get_xlim() == pytest.approx((WIDE.axes[0].low, WIDE.axes[0].high))


def test_slices_along_whole_numbers_and_names() -> None:
    ax = axes()
    plot_slices(slices("num_epochs", [1, 3, 20], ("stable",)), ax, WIDE)
    draw(ax)
    assert ax.lines[0].get_marker() == "s"
    assert list(ax.get_xticks()) == [1, 2, 3, 5, 10, 20]
    space = SearchSpace("own", (ChoiceAxis("lr_scheduler_type", ("linear", "cosine")),))
    ax = axes()
    plot_slices(slices("lr_scheduler_type", ["linear", "cosine"]), ax, space)
    draw(ax)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["linear", "cosine"]


def test_an_arm_that_is_shown_alone_keeps_its_colour() -> None:
    ax = axes()
    plot_slices(slices("num_epochs", [1, 3], ("theirs",)), ax, WIDE, ["devlin", "mine", "theirs"])
    assert ax.lines[0].get_color() == arm_styles(["devlin", "mine", "theirs"])["theirs"][0]
    assert ax.lines[0].get_color() != arm_styles(["theirs"])["theirs"][0]
