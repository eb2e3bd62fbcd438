from __future__ import annotations

import io
import math

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.outcomes import SuccessRule
from tune_stability.plots import plot_basin, plot_region, plot_scores, region_figure
from tune_stability.plots.style import arm_styles
from tune_stability.spaces import SearchSpace, get_space

WIDE, LR = get_space("wide", 2e-5), get_space("lr", 2e-5)
BOTH = ["devlin", "stable"]
RULE = SuccessRule()


def half(recipe: str, index: int, seed: int) -> str:
    """One seed of two succeeds for devlin, both for stable, in every second configuration."""
    return "s" if index % 2 and (seed == 0 or recipe == "stable") else "u"


def drawn(figure: Figure | None) -> Figure:
    """The figure, after it has really been drawn; warnings are errors."""
    assert figure is not None
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=50)
    assert png.getvalue().startswith(b"\x89PNG")
    return figure


def axes() -> Axes:
    return Figure().subplots()


def points(ax: Axes) -> list[Line2D]:
    """The lines that are rows of markers."""
    return [line for line in ax.lines if line.get_linestyle() == "None"]


def titles(figure: Figure) -> list[str]:
    return [ax.get_title() for ax in figure.axes if ax.get_title()]


def test_a_region_per_arm_and_the_basin(make_frame) -> None:
    figure = drawn(region_figure(make_frame(half), BOTH, WIDE, SuccessRule.parse("margin:0.05")))
    assert titles(figure) == ["devlin", "stable", "learning-rate basin"]
    assert figure.get_suptitle() == "success rule: margin:0.05"
    # One scale of colours for all, beside the last arm.
    scales = [ax for ax in figure.axes if not ax.get_title()]
    assert [ax.get_ylabel() for ax in scales] == ["share of seeds that succeed"]
    assert [text.get_text() for legend in figure.legends for text in legend.get_texts()] == BOTH


def test_in_the_lr_space_scores_take_the_place_of_regions(make_frame) -> None:
    figure = drawn(region_figure(make_frame(half, space=LR), BOTH, LR, RULE))
    assert titles(figure) == ["score at the end of training", "learning-rate basin"]


def test_there_is_no_figure_without_a_learning_rate(make_frame) -> None:
    space = SearchSpace("epochs", (Axis("num_epochs", 1, 20, "log"),))
    assert region_figure(make_frame(half, space=space), BOTH, space, RULE) is None


def test_a_region_has_a_mark_per_configuration_coloured_by_its_share(make_frame) -> None:
    frame = make_frame(half)
    ax = axes()
    assert plot_region(frame, ax, "devlin", WIDE, RULE) is ax
    (marks,) = ax.collections
    places, shares = np.asarray(marks.get_offsets()), np.asarray(marks.get_array())
    own = frame[frame["recipe"] == "devlin"].groupby("config_index")[["learning_rate", "num_epochs"]].first()
    np.testing.assert_allclose(places, own.to_numpy(float))
    np.testing.assert_array_equal(shares, [0.0, 0.5] * 8)
    # The colours of 0 and 1 are the same in every figure.
    assert marks.get_clim() == (0.0, 1.0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "epochs")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert list(ax.get_yticks()) == [1, 2, 3, 5, 10, 20]


def test_arms_have_the_same_limits_whatever_each_has_run(make_frame) -> None:
    frame = make_frame(half)
    frame = frame[(frame["recipe"] == "stable") | (frame["config_index"] < 3)]
    figure = drawn(region_figure(frame, BOTH, WIDE, RULE))
    first, second, basin = figure.axes[:3]
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim() == second.get_ylim()
    rates = WIDE.axes[0]
    assert first.get_xlim()[0] < rates.low < rates.high < first.get_xlim()[1]
    assert first.get_ylim()[0] < 1 < 20 < first.get_ylim()[1]
    assert basin.get_xlim() == pytest.approx((rates.low, rates.high))


def test_epochs_on_a_linear_scale(make_frame) -> None:
    space = SearchSpace("own", (WIDE.axes[0], Axis("num_epochs", 2, 6)))
    figure = drawn(region_figure(make_frame(half, space=space), BOTH, space, RULE))
    assert figure.axes[0].get_yscale() == "linear"
    assert figure.axes[0].get_ylim() == (1.5, 6.5)


def test_choices_of_epochs_and_learning_rates_have_a_figure(make_frame) -> None:
    rates = ChoiceAxis("learning_rate", tuple(10.0**k for k in range(-7, 0)))
    space = SearchSpace("own", (rates, ChoiceAxis("num_epochs", (3, 4, 20)), ChoiceAxis("batch_size", (8, 16))))
    figure = drawn(region_figure(make_frame(half, n_configs=32, space=space), BOTH, space, RULE))
    region, basin = figure.axes[0], figure.axes[2]
    assert list(region.get_yticks()) == [3, 4, 20]
    assert region.get_yscale() == "log"
    assert region.get_ylim()[0] < 3 < 20 < region.get_ylim()[1]
    assert region.get_xlim()[0] < 1e-7 < 0.1 < region.get_xlim()[1]
    assert basin.get_xlim() == pytest.approx((1e-7, 0.1))


def test_a_space_of_a_learning_rate_and_names_has_a_figure(make_frame) -> None:
    space = SearchSpace("own", (LR.axes[0], ChoiceAxis("lr_scheduler_type", ("linear", "cosine"))))
    figure = drawn(region_figure(make_frame(half, space=space), BOTH, space, RULE))
    assert titles(figure) == ["score at the end of training", "learning-rate basin"]


def test_the_rule_decides_what_is_a_success(make_frame) -> None:
    frame = make_frame(half)
    ax = axes()
    plot_region(frame, ax, "stable", WIDE, SuccessRule.parse("margin:0.9"))
    assert np.asarray(ax.collections[0].get_array()).max() == 0


def test_the_basin_shows_shares_a_curve_and_a_bar_per_arm(make_frame) -> None:
    def letter(recipe: str, index: int, seed: int) -> str:
        rate = rates[index]
        centre = -5.2 if recipe == "devlin" else -4.4
        return "s" if abs(math.log10(rate) - centre) < 0.6 else "u"

    rates = make_frame(lambda *_: "u", n_configs=32).groupby("config_index")["learning_rate"].first().to_dict()
    frame = make_frame(letter, n_configs=32)
    ax = axes()
    plot_basin(frame, ax, BOTH, WIDE, RULE)
    assert [len(line.get_xdata()) for line in points(ax)] == [32, 32]
    for line, (colour, marker) in zip(points(ax), arm_styles(BOTH).values(), strict=True):
        assert (line.get_color(), line.get_marker()) == (colour, marker)
    curves = [line for line in ax.lines if len(line.get_xdata()) == 200]
    assert len(curves) == 2
    for curve, centre in zip(curves, (-5.2, -4.4), strict=True):
        x, y = np.log10(curve.get_xdata()), np.asarray(curve.get_ydata())
        assert y.min() >= 0
        assert y.max() <= 1
        assert abs(x[y.argmax()] - centre) < 0.6
    # A thick bar from edge to edge, below the shares, and a thin one for the interval of each edge.
    bars = [line for line in ax.lines if line.get_linewidth() == 3]
    assert [bool(np.all(np.asarray(bar.get_ydata()) < 0)) for bar in bars] == [True, True]
    for bar, centre in zip(bars, (-5.2, -4.4), strict=True):
        low, high = np.log10(bar.get_xdata())
        assert low == pytest.approx(centre - 0.6, abs=0.3)
        assert high == pytest.approx(centre + 0.6, abs=0.3)
    assert len([line for line in ax.lines if line.get_marker() == "|"]) == 4
    assert ax.get_title() == "learning-rate basin"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "share of trials that succeed")
    assert ax.get_xscale() == "log"


def test_scores_show_every_trial_and_the_median_of_each_rate(make_frame) -> None:
    frame = make_frame(half, space=LR)
    ax = axes()
    assert plot_scores(frame, ax, BOTH, LR, RULE) is ax
    assert [len(line.get_xdata()) for line in points(ax)] == [32, 32]
    medians = [line for line in ax.lines if len(line.get_xdata()) == 16]
    # devlin: the middle of .5 and 0; stable: of .5 and .51. Rates that fail are at 0.
    assert [sorted(set(np.round(line.get_ydata(), 6))) for line in medians] == [[0.0, 0.25], [0.0, 0.505]]
    assert all(np.all(np.diff(line.get_xdata()) > 0) for line in medians)
    assert ax.get_title() == "score at the end of training"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "matthews correlation")
    assert ax.get_xscale() == "log"


@pytest.mark.parametrize("space", [WIDE, LR], ids=lambda space: space.name)
@pytest.mark.parametrize(
    ("letter", "n_configs"),
    [
        (lambda *_: "s", 16),
        (lambda *_: "d", 16),
        (half, 1),
        (half, 4),
        (lambda recipe, index, seed: "e" if index % 3 == 0 else "s", 16),
        (lambda recipe, index, seed: "e" if seed == 1 else "s", 16),
        (lambda recipe, index, seed: "e" if recipe == "stable" else "s", 16),
    ],
    ids=["all succeed", "all fail", "one", "four", "missing", "missing seeds", "an arm is missing"],
)
def test_whatever_happened_there_is_a_figure_and_no_warning(make_frame, space: SearchSpace, letter, n_configs) -> None:
    frame = make_frame(letter, n_configs=n_configs, space=space)
    figure = drawn(region_figure(frame, BOTH, space, RULE))
    completed = frame[frame["status"] == "completed"]
    configurations = completed.groupby("recipe")["config_index"].nunique()
    if space is WIDE:
        for ax, recipe in zip(figure.axes, BOTH, strict=False):
            (marks,) = ax.collections
            assert len(marks.get_offsets()) == configurations.get(recipe, 0)
    basin = next(ax for ax in figure.axes if ax.get_title() == "learning-rate basin")
    assert [len(line.get_xdata()) for line in points(basin)] == [configurations.get(recipe, 0) for recipe in BOTH]


def test_a_run_without_a_score_is_no_obstacle(make_frame) -> None:
    frame = make_frame(half, space=LR)
    frame.loc[frame["config_index"] == 3, "score"] = np.nan
    drawn(region_figure(frame, BOTH, LR, RULE))


def test_each_arm_has_a_colour_and_a_marker_of_its_own() -> None:
    styles = arm_styles(["a", "b", "c", "d", "e", "f", "g", "h"])
    assert len({colour for colour, _ in styles.values()}) == 8
    assert len({marker for _, marker in styles.values()}) == 8
    # By its place, so that the first arm looks the same whatever follows.
    assert arm_styles(["a"])["a"] == styles["a"]
    assert len(arm_styles([str(number) for number in range(20)])) == 20
