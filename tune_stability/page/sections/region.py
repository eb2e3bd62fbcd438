"""Where in the space each arm succeeds."""

from __future__ import annotations

import pandas as pd

from tune_stability.axes import AnyAxis
from tune_stability.page.blocks import Block, Json, Picture, Row, Section, Text
from tune_stability.page.marks import space_axis
from tune_stability.page.region_shares import share_row
from tune_stability.page.region_slices import slice_row
from tune_stability.page.region_words import DESIGN_ROWS, held_words, rows_of, shown_arms
from tune_stability.page.surface_marks import configuration_marks, difference_marks, line_marks, surface_marks
from tune_stability.page.trials import embedded
from tune_stability.plots.space_axes import at_value, words
from tune_stability.views import StudyView, configuration_table, difference_table, surface_table
from tune_stability.views.space_parts import axis_pairs, held_values, main_axis, own_values

_HEIGHT = 350
_MARGIN = {"l": 58, "r": 12, "t": 10, "b": 118}


def section(view: StudyView) -> Section:
    """Success over two axes per arm, how arms differ, and slices; over one axis where the space has one of numbers."""
    table = configuration_table(view)
    if table.empty:
        return Section("region", "Region", (Text("No trial has an outcome yet, so there is no region to show."),))
    points = table.merge(embedded(view.trials)[["recipe", "source", "config_index"]].drop_duplicates())
    pairs = axis_pairs(view.spec.space)
    blocks: list[Block] = []
    for across, up in pairs:
        blocks.append(_pair(view, across, up, points))
        if view.surfaces:
            blocks.append(slice_row(view, across, up))
    if not pairs:
        blocks.append(share_row(view, main_axis(view.spec.space), points))
    if len(points) < len(table):
        blocks.append(
            Text(f"{len(points):,} of {len(table):,} configurations are drawn as points; surfaces use all design rows.")
        )
    return Section("region", "Region", tuple(blocks))


def _pair(view: StudyView, across: AnyAxis, up: AnyAxis, points: pd.DataFrame) -> Row:
    surfaces = surface_table(view, across.name, up.name)
    pictures = [_surface(view, name, across, up, surfaces, points) for name in shown_arms(view, points)]
    fitted = [name for name in view.recipes if name in view.surfaces]
    pictures += [_difference(name, fitted[0], across, up, surfaces) for name in fitted[1:]]
    notes = ["Colours are the fitted probability of success, model-based; the light line is where it is one half."]
    if not view.surfaces:
        notes = ["No design rows, so no surface is fitted: points are where the sampler went."]
    held = held_values(view, (across.name, up.name))
    if held and view.surfaces:
        notes.append(f"The surface is that at {held_words(view, held)}; points lie at any.")
    notes.append(
        "A point is a configuration, in the colour of the share of its trials that succeed; click for its rows."
    )
    if (points["source"] == "adaptive").any() and view.surfaces:
        notes.append("Diamonds are adaptive rows, which are not fitted.")
    return Row(f"Success over {words(across.name)} and {words(up.name)}", tuple(pictures), " ".join(notes))


def _surface(
    view: StudyView, recipe: str, across: AnyAxis, up: AnyAxis, surfaces: pd.DataFrame, points: pd.DataFrame
) -> Picture:
    own, mine = points[points["recipe"] == recipe], surfaces[surfaces["recipe"] == recipe]
    data = surface_marks(mine, across, up) if len(mine) else []
    for source, symbol in (("design", "circle"), ("adaptive", "diamond")):
        if (own["source"] == source).any():
            data.append(configuration_marks(own[own["source"] == source], across.name, up.name, symbol))
    data += _published(view, recipe, across, up)
    return Picture(
        f"region-{up.name}-{recipe}",
        recipe,
        _said(recipe, across, up, mine, own),
        data,
        _layout(across, up),
        _few(mine, across, up) if len(mine) else own,
        rows_of(view, recipe),
        height=_HEIGHT,
        note=view.surfaces[recipe].note if recipe in view.surfaces else "",
    )


def _said(recipe: str, across: AnyAxis, up: AnyAxis, mine: pd.DataFrame, own: pd.DataFrame) -> str:
    share = f"{own['successes'].sum():.0f} of {own['n_trials'].sum():.0f} trials of {len(own)} configurations succeed"
    if mine.empty:
        return f"{recipe}: {share}."
    best = mine.iloc[int(mine["probability"].to_numpy().argmax())]
    where = f"{words(across.name)} {best[across.name]:.2g} and {words(up.name)} {best[up.name]:.2g}"
    return (
        f"{recipe} over {words(across.name)} and {words(up.name)}: {share}; the fitted probability is between "
        f"{mine['probability'].min():.2f} and {best['probability']:.2f}, highest at {where}."
    )


def _published(view: StudyView, recipe: str, across: AnyAxis, up: AnyAxis) -> list[Json]:
    """A star where the recipe as published lies, if the space has the place."""
    x, y = own_values(view, [recipe], across), own_values(view, [recipe], up)
    if not (x and y):
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "as published",
            "x": [x[0]],
            "y": [y[0]],
            "marker": {"symbol": "star", "size": 15, "color": "white", "line": {"color": "#222222", "width": 1.5}},
            "hovertemplate": "the recipe as published<extra></extra>",
            "showlegend": False,
        }
    ]


def _difference(treatment: str, baseline: str, across: AnyAxis, up: AnyAxis, surfaces: pd.DataFrame) -> Picture:
    table = difference_table(surfaces, baseline, treatment)
    data = difference_marks(table, across, up)
    for name, dash in ((baseline, "dot"), (treatment, "solid")):
        data += line_marks(surfaces[surfaces["recipe"] == name], across, up, "#222222", dash)
    low, high = 100 * table["difference"].min(), 100 * table["difference"].max()
    return Picture(
        f"difference-{up.name}-{treatment}",
        f"{treatment} minus {baseline}",
        f"{treatment} minus {baseline} over {words(across.name)} and {words(up.name)}: between {low:+.0f} and "
        f"{high:+.0f} points of fitted probability.",
        data,
        _layout(across, up),
        _few(table, across, up, "difference"),
        DESIGN_ROWS,
        height=_HEIGHT,
        note=f"Model-based, without an interval. Blue: {treatment} succeeds more often, red: {baseline}. "
        f"Lines of one half: {treatment} solid, {baseline} dotted.",
    )


def _few(table: pd.DataFrame, across: AnyAxis, up: AnyAxis, value: str = "probability") -> pd.DataFrame:
    """Some of the cells to read: a row for each learning rate, a column for each value of the other axis."""
    wide = table.pivot_table(index=across.name, columns=up.name, values=value)
    rows, columns = ([*range(0, n, max(n // most, 1))] for n, most in zip(wide.shape, (12, 5), strict=True))
    few = wide.iloc[rows, columns].round(3)
    few.columns = pd.Index([at_value(up.name, at) for at in few.columns])
    return few.reset_index()


def _layout(across: AnyAxis, up: AnyAxis) -> Json:
    # Not as wide as its labels, so that the pictures of a row have the same shape.
    y = {**space_axis(up), "automargin": False}
    return {"xaxis": space_axis(across), "yaxis": y, "showlegend": False, "margin": _MARGIN}
