"""Success against one axis of a space that has no second one of numbers, as pictures of the page."""

from __future__ import annotations

import pandas as pd

from tune_stability.analysis import blaker
from tune_stability.axes import AnyAxis
from tune_stability.page.blocks import Json, Picture, Row
from tune_stability.page.labels import plotly_text
from tune_stability.page.marks import arm_marks, half_shape, numbers, space_axis
from tune_stability.page.region_words import rows_of, shown_arms
from tune_stability.page.trials import configurations
from tune_stability.plots.space_axes import words
from tune_stability.views import StudyView
from tune_stability.views.space_parts import is_number


def share_row(view: StudyView, axis: AnyAxis, points: pd.DataFrame) -> Row:
    """The share of each configuration against the only axis that is looked at."""
    marks = arm_marks(shown_arms(view, points))
    pictures = []
    for name, (colour, symbol) in marks.items():
        own = points[points["recipe"] == name]
        pictures.append(_shares(view, own, name, axis, colour, symbol))
    with_interval = "" if _is_factorial(view) else ", with its exact 95 % interval"
    note = f"The share of each configuration's trials that succeed{with_interval}; click a point for its rows."
    return Row(f"Success at each configuration over {words(axis.name)}", tuple(pictures), note)


def _shares(view: StudyView, own: pd.DataFrame, recipe: str, axis: AnyAxis, colour: str, symbol: str) -> Picture:
    ends = [blaker(int(wins), int(n)) for wins, n in zip(own["successes"], own["n_trials"], strict=True)]
    low, high = (pd.Series([end[side] for end in ends], index=own.index, dtype=float) for side in (0, 1))
    table = own.assign(low=low, high=high)
    is_line = is_number(axis)
    data: Json = {
        "type": "scatter",
        "mode": "markers",
        "name": plotly_text(recipe),
        "x": numbers(own[axis.name], 4) if is_line else [str(value) for value in own[axis.name]],
        "y": numbers(own["share"], 3),
        "marker": {"color": colour, "symbol": symbol, "size": 9},
        "hovertemplate": "%{y:.0%} succeed at %{x:.2~g}<extra></extra>"
        if is_line
        else "%{y:.0%} succeed<extra></extra>",
        "customdata": configurations(own),
    }
    if not _is_factorial(view):
        data["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": numbers(high - own["share"], 3),
            "arrayminus": numbers(own["share"] - low, 3),
            "thickness": 1.2,
            "width": 3,
            "color": colour,
        }
    x = space_axis(axis) if is_line else {"title": {"text": words(axis.name)}, "type": "category"}
    share = f"{own['successes'].sum():.0f} of {own['n_trials'].sum():.0f}"
    y = {"title": {"text": "share that succeeds"}, "range": [-0.05, 1.05], "zeroline": False}
    return Picture(
        f"shares-{recipe}",
        recipe,
        f"{recipe}: {share} trials of {len(own)} configurations over {words(axis.name)} succeed.",
        [data],
        {"xaxis": x, "yaxis": y, "showlegend": False, "shapes": [half_shape()], "margin": {"l": 50, "r": 12}},
        own if _is_factorial(view) else table,
        rows_of(view, recipe),
        height=300,
    )


def _is_factorial(view: StudyView) -> bool:
    """Whether trials of a configuration share seeds, so that they do not count as independent."""
    return view.spec.seed_scheme == "factorial"
