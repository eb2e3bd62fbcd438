from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.plots import COLLECTION, region_figure
from tune_stability.plots.style import for_print
from tune_stability.spaces import SearchSpace, get_space

WIDE, LR = get_space("wide", 2e-5), get_space("lr", 2e-5)
RATE = WIDE.axes[0]


def half(recipe: str, index: int, seed: int) -> str:
    """One seed of two succeeds for devlin, both for stable, in every second configuration."""
    return "s" if index % 2 and (seed % 2 == 0 or recipe == "stable") else "u"


def drawn(figure: Figure | None, with_layout: bool = True) -> Figure:
    """The figure, after it has really been drawn; warnings are errors. Its layout takes most of the time."""
    assert figure is not None
    if not with_layout:
        figure.set_layout_engine("none")
    figure.draw_without_rendering()
    return figure


def titles(figure: Figure) -> list[str]:
    return [ax.get_title() for ax in figure.axes if ax.get_title()]


def test_a_search_leaves_a_region_per_arm_and_the_basin(make_frame, make_view) -> None:
    figure = drawn(region_figure(make_view(make_frame(half), "margin:0.05")))
    assert titles(figure) == ["devlin", "stable", "learning-rate basin"]
    assert figure.get_suptitle() == "success rule: margin:0.05"
    # One scale of colours for all, beside the last arm.
    assert [ax.get_ylabel() for ax in figure.axes if not ax.get_title()] == ["share of trials that succeed"]
    assert [text.get_text() for legend in figure.legends for text in legend.get_texts()] == ["devlin", "stable"]
    for ax, shares in zip(figure.axes, ([0, 0.5] * 8, [0, 1] * 8), strict=False):
        np.testing.assert_array_equal(ax.collections[0].get_array(), shares)


def test_in_the_lr_space_scores_take_the_place_of_regions(make_frame, make_view) -> None:
    figure = drawn(region_figure(make_view(make_frame(half, space=LR), space=LR)))
    assert titles(figure) == ["score at the end of training", "learning-rate basin"]
    assert figure.axes[0].get_xlim() == pytest.approx((LR.axes[0].low, LR.axes[0].high))


def test_its_bars_are_the_basins_of_the_summary(make_frame, make_view) -> None:
    rates = make_frame(half, n_configs=64).groupby("config_index")["learning_rate"].first()
    frame = make_frame(lambda recipe, i, seed: "s" if abs(math.log10(rates[i]) + 4.8) < 0.6 else "u", n_configs=64)
    view = make_view(frame)
    figure = drawn(region_figure(view))
    bars = [line for line in figure.axes[2].lines if line.get_linewidth() == 2.5]
    for bar, arm in zip(bars, view.summary.arms, strict=True):
        assert list(bar.get_xdata()) == [arm.basin.lower.estimate, arm.basin.upper.estimate]


@pytest.mark.parametrize(
    "space",
    [
        SearchSpace("epochs", (Axis("num_epochs", 1, 20, "log"),)),
        SearchSpace("names", (ChoiceAxis("lr_scheduler_type", ("linear", "cosine")),)),
    ],
    ids=lambda space: space.name,
)
def test_without_a_learning_rate_there_is_no_picture(make_frame, make_view, space: SearchSpace) -> None:
    view = make_view(make_frame(half, space=space), space=space)
    assert region_figure(view) is None
    assert all(COLLECTION[name](view) is None for name in ("region", "slices", "basin"))


@pytest.mark.parametrize("space", [WIDE, LR], ids=lambda space: space.name)
@pytest.mark.parametrize(
    ("letter", "n_configs"),
    [
        (lambda *_: "s", 16),
        (lambda *_: "d", 16),
        (half, 1),
        (half, 4),
        (lambda recipe, index, seed: "e" if index % 3 == 0 else "s", 16),
        (lambda recipe, index, seed: "e" if recipe == "stable" else "s", 16),
    ],
    ids=["all succeed", "all fail", "one", "four", "missing", "an arm is missing"],
)
def test_whatever_happened_there_are_figures_and_no_warning(
    make_frame, make_view, space: SearchSpace, letter, n_configs: int
) -> None:
    view = make_view(make_frame(letter, n_configs=n_configs, space=space), space=space)
    drawn(region_figure(view), with_layout=False)
    with for_print():
        shown = {name: figure for name in ("region", "slices", "basin") if (figure := COLLECTION[name](view))}
        assert set(shown) == ({"region", "slices", "basin"} if space is WIDE else {"basin"})
        drawn(shown["basin"], with_layout=False)


def test_without_an_outcome_there_is_no_figure(make_frame, make_view) -> None:
    view = make_view(make_frame(lambda *_: "e"))
    assert region_figure(view) is None
    assert all(COLLECTION[name](view) is None for name in ("success-rates", "region", "slices", "basin"))


def test_the_figures_for_print(make_frame, make_view) -> None:
    view = make_view(make_frame(half))
    with for_print():
        region, slices, basin = (drawn(COLLECTION[name](view)) for name in ("region", "slices", "basin"))
    assert titles(region) == ["devlin", "stable", "stable - devlin"] * 2
    # Columns share the axis, and what is held is said.
    assert [ax.get_ylabel() for ax in region.axes[:4:3]] == [
        "epochs\n(at warmup ratio 0.1)",
        "warmup ratio\n(at 3 epochs)",
    ]
    assert [ax.get_xlabel() for ax in region.axes[6:]] == ["probability of success", "difference, points"]
    # The recipes' own 3 and 20 epochs and the least; their own warmup of .1 and both ends.
    assert titles(slices) == [
        *("1 epoch", "3 epochs", "20 epochs"),
        *("warmup ratio 0", "warmup ratio 0.1", "warmup ratio 0.3"),
    ]
    (legend,) = basin.legends
    assert [text.get_text() for text in legend.get_texts()] == ["devlin", "stable"]
    assert [figure.get_figwidth() for figure in (region, slices, basin)] == [7.0, 7.0, 3.4]


def test_one_arm_has_no_difference(make_frame, make_view) -> None:
    frame = make_frame(half)
    view = make_view(frame[frame["recipe"] == "devlin"], recipes=("devlin",))
    with for_print():
        assert titles(drawn(COLLECTION["region"](view))) == ["devlin", "devlin"]


def test_choices_have_a_figure(make_frame, make_view) -> None:
    rates = ChoiceAxis("learning_rate", tuple(10.0**k for k in range(-7, 0)))
    space = SearchSpace(
        "own", (rates, ChoiceAxis("num_epochs", (3, 4, 20)), ChoiceAxis("bias_correction", (False, True)))
    )
    view = make_view(make_frame(half, n_configs=32, space=space), space=space)
    figure = drawn(region_figure(view))
    assert list(figure.axes[0].get_yticks()) == [3, 4, 20]
    with for_print():
        region = drawn(COLLECTION["region"](view))
    # Names and switches are no axis of a picture; the recipes differ in the correction, so it is at the middle.
    assert titles(region) == ["devlin", "stable", "stable - devlin"]
    assert region.axes[0].get_ylabel() == "epochs\n(at bias correction True)"
