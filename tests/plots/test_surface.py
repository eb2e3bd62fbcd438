from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tune_stability.analysis import success_arrays
from tune_stability.analysis.slices import slice_along
from tune_stability.analysis.surface import fit_surface
from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.outcomes import SuccessRule
from tune_stability.plots import plot_slices, plot_surface
from tune_stability.plots.style import arm_styles
from tune_stability.recipes import get_recipe
from tune_stability.spaces import SearchSpace, get_space

WIDE = get_space("wide", 2e-5)
RATE = WIDE.axes[0]
STABLE = get_recipe("stable").hyperparameters(2e-5)


def fitted(frame, space=WIDE, recipe="stable"):
    arms = success_arrays(frame, [recipe], space, SuccessRule())
    return fit_surface(arms.success[recipe], arms.points), arms


def axes() -> Axes:
    return Figure().subplots()


def draw(ax: Axes) -> None:
    ax.figure.savefig(io.BytesIO(), format="png", dpi=40)


def mixed(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 else "u"


def test_the_surface_its_configurations_and_the_line_of_one_half(make_frame) -> None:
    rates = make_frame(mixed).groupby("config_index")["learning_rate"].first()
    surface, arms = fitted(make_frame(lambda recipe, index, seed: "s" if rates[index] < 2e-5 else "u"))
    ax = axes()
    assert plot_surface(surface, arms, ax, "stable", WIDE, STABLE) is ax
    draw(ax)
    cells, line, marks = ax.collections
    assert np.asarray(cells.get_array()).shape == (20, 80)
    assert cells.get_clim() == marks.get_clim() == (0.0, 1.0)
    corner = surface.probability([[0.0, 0.1 / 0.3, np.mean(WIDE.axes[2].stretch(1))]])[0]
    assert np.asarray(cells.get_array())[0, 0] == pytest.approx(corner)
    np.testing.assert_allclose(marks.get_offsets(), arms.configurations[["learning_rate", "num_epochs"]])
    np.testing.assert_array_equal(marks.get_array(), arms.success["stable"].mean(axis=1))
    for vertex in line.get_paths()[0].vertices[:5]:
        p = surface.probability([[RATE.position(vertex[0]), 0.1 / 0.3, WIDE.axes[2].position(vertex[1])]])[0]
        assert p == pytest.approx(0.5, abs=0.06)
    assert ax.get_title() == "stable, model-based\nwarmup_ratio 0.1"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "epochs")
    assert [one.get_ylabel() for one in ax.figure.axes[1:]] == ["probability of success"]


@pytest.mark.parametrize("letter", ["s", "u"])
def test_a_constant_surface_has_no_line_and_no_warning(make_frame, letter: str) -> None:
    ax = axes()
    plot_surface(*fitted(make_frame(lambda *_: letter)), ax, "stable", WIDE, STABLE, has_scale=False)
    draw(ax)
    assert len(ax.collections) == 2
    assert len(ax.figure.axes) == 1


def test_a_configuration_without_an_outcome_has_no_mark(make_frame) -> None:
    frame = make_frame(lambda recipe, index, seed: "e" if index == 3 else mixed(recipe, index, seed))
    ax = axes()
    plot_surface(*fitted(frame), ax, "stable", WIDE, STABLE)
    draw(ax)
    assert len(ax.collections[-1].get_offsets()) == 15


@pytest.mark.parametrize(
    "others",
    [
        (Axis("num_epochs", 2, 20),),
        (ChoiceAxis("num_epochs", (3, 20)), ChoiceAxis("lr_scheduler_type", ("linear", "cosine"))),
    ],
    ids=["linear epochs", "choices"],
)
def test_other_spaces(make_frame, others) -> None:
    space = SearchSpace("own", (RATE, *others))
    ax = axes()
    plot_surface(*fitted(make_frame(mixed, space=space), space), ax, "stable", space, STABLE)
    draw(ax)
    assert ax.get_title().startswith("stable, model-based")


def test_a_recipe_outside_the_space_is_one_line(make_frame) -> None:
    space = SearchSpace("own", (RATE, Axis("warmup_ratio", 0.2, 0.3), WIDE.axes[2]))
    surface, arms = fitted(make_frame(mixed, space=space), space)
    with pytest.raises(UserError, match=r"warmup_ratio is 0.1, the space has it from 0.2 to 0.3"):
        plot_surface(surface, arms, axes(), "stable", space, STABLE)


def test_slices_have_a_line_and_a_band_per_arm(make_frame) -> None:
    frame = make_frame(lambda recipe, index, seed: "s" if (index % 2 and recipe == "stable") or index < 5 else "u")
    slices = {
        name: slice_along(fitted(frame, recipe=name)[0], WIDE, "learning_rate", get_recipe(name).hyperparameters(2e-5))
        for name in ("devlin", "stable")
    }
    ax = axes()
    assert plot_slices(slices, ax, WIDE) is ax
    draw(ax)
    lines = [line for line in ax.lines if len(line.get_xdata()) == 101]
    for line, (name, (colour, _)) in zip(lines, arm_styles(["devlin", "stable"]).items(), strict=True):
        assert (line.get_label(), line.get_color()) == (name, colour)
        np.testing.assert_allclose(line.get_ydata(), slices[name].probability)
    for band, one in zip(ax.collections, slices.values(), strict=True):
        heights = band.get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == pytest.approx((one.low.min(), one.high.max()))
    assert "model-based" in ax.get_title()
    assert (ax.get_xscale(), ax.get_xlabel()) == ("log", "learning rate")
    assert ax.get_xlim() == pytest.approx((RATE.low, RATE.high))


def test_slices_along_whole_numbers_and_choices(make_frame) -> None:
    surface, _ = fitted(make_frame(mixed))
    ax = axes()
    plot_slices({"stable": slice_along(surface, WIDE, "num_epochs", STABLE)}, ax, WIDE)
    draw(ax)
    assert ax.lines[0].get_marker() == "o"
    assert list(ax.get_xticks()) == [1, 2, 3, 5, 10, 20]
    space = SearchSpace("own", (RATE, WIDE.axes[1], ChoiceAxis("lr_scheduler_type", ("linear", "cosine"))))
    ax = axes()
    plot_slices({"stable": slice_along(surface, space, "lr_scheduler_type", STABLE)}, ax, space)
    draw(ax)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["linear", "cosine"]


def test_slices_along_different_axes_make_no_picture(make_frame) -> None:
    surface, _ = fitted(make_frame(mixed))
    slices = {name: slice_along(surface, WIDE, name, STABLE) for name in ("learning_rate", "num_epochs")}
    with pytest.raises(ValueError, match="unpack"):
        plot_slices(slices, axes(), WIDE)
