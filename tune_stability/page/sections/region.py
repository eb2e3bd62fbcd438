"""Where in the space each arm succeeds."""

from __future__ import annotations

import pandas as pd

from tune_stability.analysis import blaker
from tune_stability.axes import AnyAxis
from tune_stability.hyperparameters import Value
from tune_stability.page.blocks import Block, Json, Picture, Row, Section, Text
from tune_stability.page.marks import arm_marks, band_marks, half_shape, numbers, space_axis
from tune_stability.page.surface_marks import configuration_marks, difference_marks, line_marks, surface_marks
from tune_stability.page.trials import configurations, embedded
from tune_stability.plots.space_axes import at_value, words
from tune_stability.views import (
    StudyView,
    configuration_table,
    difference_table,
    slice_table,
    surface_table,
)
from tune_stability.views.space_parts import axis_pairs, chosen_values, held_values, is_number, main_axis, own_values

_HEIGHT = 350
_MARGIN = {"l": 58, "r": 12, "t": 10, "b": 118}
DESIGN_ROWS = "trials[trials['source'] == 'design']"


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
            blocks.append(_slices(view, across, up))
    if not pairs:
        blocks.append(_alone(view, main_axis(view.spec.space), points))
    if len(points) < len(table):
        blocks.append(
            Text(f"{len(points):,} of {len(table):,} configurations are drawn as points; surfaces use all design rows.")
        )
    return Section("region", "Region", tuple(blocks))


def arms(view: StudyView, table: pd.DataFrame) -> list[str]:
    """The recipes to show: the arms of the design, or those of a search without one, in the study's order."""
    named = [recipe.name for recipe in view.spec.recipes]
    return list(view.recipes) or [name for name in named if (table["recipe"] == name).any()]


def _pair(view: StudyView, across: AnyAxis, up: AnyAxis, points: pd.DataFrame) -> Row:
    surfaces = surface_table(view, across.name, up.name)
    pictures = [_surface(view, name, across, up, surfaces, points) for name in arms(view, points)]
    fitted = [name for name in view.recipes if name in view.surfaces]
    pictures += [_difference(name, fitted[0], across, up, surfaces) for name in fitted[1:]]
    notes = ["Colours are the fitted probability of success, model-based; the light line is where it is one half."]
    if not view.surfaces:
        notes = ["No design rows, so no surface is fitted: points are where the sampler went."]
    held = held_values(view, (across.name, up.name))
    if held and view.surfaces:
        notes.append(f"The surface is that at {_held(view, held)}; points lie at any.")
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
        _rows(view, recipe),
        height=_HEIGHT,
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


def _slices(view: StudyView, across: AnyAxis, up: AnyAxis) -> Row:
    values = chosen_values(view, up)
    pictures = tuple(_slice(view, across, up, value) for value in values)
    held = held_values(view, (across.name, up.name))
    note = "Slices through the same fitted surfaces, model-based, with bands that hold 95 % at each place for itself"
    note += f", at {_held(view, held)}." if held else "."
    return Row(f"Slices at chosen {'epochs' if up.name == 'num_epochs' else words(up.name) + 's'}", pictures, note)


def _slice(view: StudyView, across: AnyAxis, up: AnyAxis, value: Value) -> Picture:
    table = slice_table(view, across.name, {up.name: value})
    marks, data, said = arm_marks(view.recipes), [], []
    for name, rows in table.groupby("recipe", sort=False):
        colour, _ = marks[str(name)]
        data.append(band_marks(rows[across.name], rows["low"], rows["high"], colour, str(name)))
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "legendgroup": name,
                "x": numbers(rows[across.name], 4),
                "y": numbers(rows["probability"], 3),
                "line": {"color": colour, "width": 2.5},
                "hovertemplate": "%{y:.2f} at %{x:.2~g}<extra>%{fullData.name}</extra>",
            }
        )
        best = rows.iloc[int(rows["probability"].to_numpy().argmax())]
        said.append(f"{name} is highest, {best['probability']:.2f}, at {best[across.name]:.2g}")
    y = {"title": {"text": "probability of success"}, "range": [-0.02, 1.02], "zeroline": False}
    return Picture(
        f"slice-{up.name}-{value}",
        at_value(up.name, value),
        f"Fitted probability of success against {words(across.name)} at {at_value(up.name, value)}: {'; '.join(said)}.",
        data,
        {"xaxis": space_axis(across), "yaxis": y, "shapes": [half_shape()], "margin": {"l": 50, "r": 12}},
        table,
        DESIGN_ROWS,
        height=300,
    )


def _alone(view: StudyView, axis: AnyAxis, points: pd.DataFrame) -> Row:
    """The share of each configuration against the only axis that is looked at."""
    marks = arm_marks(arms(view, points))
    pictures = []
    for name, (colour, symbol) in marks.items():
        own = points[points["recipe"] == name]
        pictures.append(_shares(view, own, name, axis, colour, symbol))
    note = "The share of each configuration's trials that succeed, with its exact 95 % interval; click for its rows."
    return Row(f"Success at each configuration over {words(axis.name)}", tuple(pictures), note)


def _shares(view: StudyView, own: pd.DataFrame, recipe: str, axis: AnyAxis, colour: str, symbol: str) -> Picture:
    ends = [blaker(int(wins), int(n)) for wins, n in zip(own["successes"], own["n_trials"], strict=True)]
    low, high = (pd.Series([end[side] for end in ends], index=own.index, dtype=float) for side in (0, 1))
    table = own.assign(low=low, high=high)
    is_line = is_number(axis)
    data = {
        "type": "scatter",
        "mode": "markers",
        "name": recipe,
        "x": numbers(own[axis.name], 4) if is_line else [str(value) for value in own[axis.name]],
        "y": numbers(own["share"], 3),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": numbers(high - own["share"], 3),
            "arrayminus": numbers(own["share"] - low, 3),
            "thickness": 1.2,
            "width": 3,
            "color": colour,
        },
        "marker": {"color": colour, "symbol": symbol, "size": 9},
        "hovertemplate": "%{y:.0%} succeed at %{x:.2~g}<extra></extra>"
        if is_line
        else "%{y:.0%} succeed<extra></extra>",
        "customdata": configurations(own),
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
        table,
        _rows(view, recipe),
        height=300,
    )


def _rows(view: StudyView, recipe: str) -> str:
    design = "(trials['source'] == 'design') & " if view.recipes else ""
    return f"trials[{design}(trials['recipe'] == {recipe!r})]"


def _held(view: StudyView, held: dict[str, Value]) -> str:
    """The held values in words, and why those."""
    axes = {axis.name: axis for axis in view.spec.space.axes}
    parts = []
    for name, value in held.items():
        is_own = own_values(view, view.recipes, axes[name]) == [value]
        parts.append(f"{at_value(name, value)} ({'as published' if is_own else 'the middle of the axis'})")
    return " and ".join(parts)


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
