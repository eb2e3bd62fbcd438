from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from tune_stability.plots import COLLECTION, plot_rate_boxes, plot_score_boxes
from tune_stability.plots.places import rate_label, short_rate, slots, spread
from tune_stability.plots.style import arm_styles, for_print
from tune_stability.spaces import get_space
from tune_stability.views import rate_score_table, score_points, score_table

LR = get_space("lr", 2e-5)


def half(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 and (seed % 2 == 0 or recipe == "stable") else "u"


def axes() -> Axes:
    return Figure().subplots()


def boxes(ax: Axes) -> list[PathPatch]:
    return [patch for patch in ax.patches if isinstance(patch, PathPatch)]


def box_range(box: PathPatch) -> tuple[float, float]:
    heights = box.get_path().vertices[:, 1]
    return heights.min(), heights.max()


def test_two_boxes_an_arm_and_a_point_a_trial(make_trials, make_view) -> None:
    view = make_view(make_trials(half, n_configs=8))
    table, ax = score_table(view), axes()
    assert plot_score_boxes(table, ax, score_points(view)) is ax
    found = boxes(ax)
    assert [box_range(box) for box in found] == [pytest.approx((row.q1, row.q3)) for row in table.itertuples()]
    colours = [colour for colour, _ in arm_styles(["devlin", "stable"]).values()]
    assert [to_hex(box.get_edgecolor()).upper() for box in found] == [colour for colour in colours for _ in range(2)]
    # The score at the end of training is filled, the best is open.
    assert [box.get_facecolor()[3] > 0 for box in found] == [True, False, True, False]
    assert [len(marks.get_offsets()) for marks in ax.collections] == [16, 16]
    np.testing.assert_allclose(sorted(np.asarray(ax.collections[0].get_offsets())[:, 1]), [0.0] * 12 + [0.5] * 4)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["devlin", "stable"]
    assert ax.get_ylabel() == "matthews correlation"
    (majority,) = [line for line in ax.lines if line.get_label() == "majority"]
    assert set(majority.get_ydata()) == {0.0}


def test_arms_stand_side_by_side_at_each_rate(make_trials, make_view) -> None:
    view = make_view(make_trials(half, n_configs=4, space=LR), space=LR)
    table, ax = rate_score_table(view), axes()
    assert plot_rate_boxes(table, ax, score_points(view)) is ax
    ends = table[table["column"] == "score"]
    assert [box_range(box) for box in boxes(ax)] == [pytest.approx((row.q1, row.q3)) for row in ends.itertuples()]
    rates = sorted(ends["low"].unique())
    assert [text.get_text() for text in ax.get_xticklabels()] == [short_rate(rate) for rate in rates]
    middles = [np.mean(box.get_path().vertices[:4, 0]) for box in boxes(ax)]
    assert np.round(middles).tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert max(middles[:4]) < max(middles[4:])
    assert ax.get_xlabel() == "learning rate"
    assert sum(len(marks.get_offsets()) for marks in ax.collections) == 16


def test_what_has_no_score_has_no_box(make_trials, make_view) -> None:
    trials = make_trials(half, n_configs=4, space=LR)
    trials.loc[trials["recipe"] == "devlin", ["score", "best_score"]] = np.nan
    view = make_view(trials, space=LR)
    ax = axes()
    plot_score_boxes(score_table(view), ax)
    assert len(boxes(ax)) == 2
    ax = axes()
    plot_rate_boxes(rate_score_table(view), ax)
    assert len(boxes(ax)) == 4
    ax.figure.savefig(io.BytesIO(), format="png")


@pytest.mark.parametrize("name", ["scores", "scores-by-learning-rate"])
def test_the_collection_draws_them_or_nothing(name: str, make_trials, make_view) -> None:
    view = make_view(make_trials(half, n_configs=4))
    with for_print():
        figure = COLLECTION[name](view)
        assert figure is not None
        figure.savefig(io.BytesIO(), format="png")
    assert COLLECTION[name](make_view(make_trials(half), sampler="tpe")) is None
    lost = make_trials(half, n_configs=4).assign(score=np.nan, best_score=np.nan)
    assert COLLECTION[name](make_view(lost)) is None


@pytest.mark.parametrize("n", [1, 2, 8])
def test_slots_fit_between_two_whole_numbers(n: int) -> None:
    offsets, width = slots([str(k) for k in range(n)])
    places = list(offsets.values())
    assert sum(places) == pytest.approx(0)
    assert max(places) + width / 2 < 0.5
    assert all(b - a > width for a, b in itertools.pairwise(places))


def test_points_are_spread_evenly_and_always_alike() -> None:
    places = np.sort(spread(100))
    assert places.min() >= -0.5
    assert places.max() < 0.5
    assert np.diff(places).max() < 0.02
    np.testing.assert_array_equal(spread(100), spread(100))


def test_rates_in_few_letters() -> None:
    assert [short_rate(rate) for rate in (2e-5, 3.75e-4, 1e-10, 0.1)] == ["2e-5", "3.8e-4", "1e-10", "1e-1"]
    assert rate_label(1e-5, 1e-5) == "1e-5"
    assert rate_label(1e-5, 3e-5, " to ") == "1e-5 to 3e-5"
