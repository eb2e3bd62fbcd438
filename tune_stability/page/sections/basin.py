"""The learning rates at which each arm succeeds more often than not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from tune_stability.axes import AnyAxis
from tune_stability.page.blocks import Block, Json, Numbers, Picture, Section, Text
from tune_stability.page.labels import plotly_text
from tune_stability.page.marks import arm_marks, band_marks, half_shape, numbers, space_axis
from tune_stability.page.trials import configurations, embedded
from tune_stability.plots.figure import own_rate
from tune_stability.plots.space_axes import words
from tune_stability.views import StudyView, basin_curve_table, basin_table, configuration_table

_STEP = 0.075
"""How far below zero, and apart, the bars of the arms lie."""
_EACH = 10
"""Of the places drawn, every so manieth is enough to read."""


def section(view: StudyView) -> Section:
    """Success against the learning rate with its band, the basin's edges and width as marks and in a table."""
    if "learning_rate" not in view.spec.space.names:
        return _only("The learning rate is no axis of this space, so it has no basin.")
    if not view.recipes:
        return _only("A basin is told from design rows, and this study has none with an outcome.")
    basins = basin_table(view)
    blocks: list[Block] = [_picture(view, basins)]
    if not basins.empty:
        blocks.append(_edges(basins))
        blocks += [Text(text, is_warning=True) for text in _warnings(basins)]
    return Section("basin", "Basin", tuple(blocks))


def _only(text: str) -> Section:
    return Section("basin", "Basin", (Text(text),))


def _picture(view: StudyView, basins: pd.DataFrame) -> Picture:
    axis = view.spec.space.axes[view.spec.space.names.index("learning_rate")]
    curves = basin_curve_table(view)
    table = configuration_table(view)
    table = table[(table["source"] == "design") & table["recipe"].isin(view.recipes)]
    points = table.merge(embedded(view.trials)[["recipe", "source", "config_index"]].drop_duplicates())
    styles = arm_marks(view.recipes)
    by_arm = [(name, *style, curves[curves["recipe"] == name]) for name, style in styles.items()]
    # Bands first, so that they dull no other arm's curve.
    data = [_band(own, name, colour) for name, colour, _, own in by_arm if len(own)]
    data += [_curve(own, name, colour) for name, colour, _, own in by_arm if len(own)]
    for place, (name, colour, symbol, own) in enumerate(by_arm):
        # A little apart, so that arms which agree do not hide one another.
        apart = 0.012 * (place - (len(by_arm) - 1) / 2)
        data.append(_points(points[points["recipe"] == name], name, colour, symbol, apart, not len(own)))
        data += _bar(basins[basins["recipe"] == name], -_STEP * (place + 1.3), colour, name)
    own_place = own_rate(view, axis)
    shown = curves.iloc[::_EACH].drop(columns="note") if len(curves) else points
    return Picture(
        "basin",
        "Success against the learning rate",
        " ".join(["Success against the learning rate, with each recipe's basin.", *_said(basins)]),
        data,
        _layout(axis, len(view.recipes), own_place),
        shown,
        "trials[trials['source'] == 'design'].groupby(['recipe', 'config_index'])",
        height=430 + 22 * len(view.recipes),
        note=_note(view, own_place is not None, curves),
    )


def _note(view: StudyView, has_own: bool, curves: pd.DataFrame) -> str:
    others = [words(name) for name in view.spec.space.names if name != "learning_rate"]
    parts = ["Points: the share of a configuration's trials that succeed; click one for its rows."]
    if len(curves):
        mean = f", averaged over {', '.join(others)}" if others else ""
        parts.append(f"Curve: the fitted probability{mean}, model-based, with a 95 % band for each place alone.")
        parts += [note for note in dict.fromkeys(curves["note"]) if note]
        parts.append(
            "Bars below: the basin, where the curve is at least one half, with the 95 % intervals of its edges; "
            "dotted, with a question mark, where these are not trustworthy."
        )
    if has_own:
        parts.append("Dashed line: the learning rate of the recipes as published.")
    return " ".join(parts)


def _band(own: pd.DataFrame, name: str, colour: str) -> Json:
    return band_marks(own["learning_rate"], own["low"], own["high"], colour, name)


def _curve(own: pd.DataFrame, name: str, colour: str) -> Json:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": plotly_text(name),
        "legendgroup": name,
        "x": numbers(own["learning_rate"], 4),
        "y": numbers(own["probability"], 3),
        "line": {"color": colour, "width": 2.5},
        "hovertemplate": "%{y:.2f} at %{x:.2~g}<extra>%{fullData.name}</extra>",
    }


def _points(own: pd.DataFrame, name: str, colour: str, symbol: str, apart: float, in_legend: bool) -> Json:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plotly_text(name),
        "legendgroup": name,
        "showlegend": in_legend,
        "x": numbers(own["learning_rate"], 4),
        "y": numbers(own["share"] + apart, 3),
        "marker": {"color": colour, "symbol": symbol, "size": 8, "opacity": 0.55},
        "customdata": configurations(own),
        "text": [f"{wins:.0f} of {n}" for wins, n in own[["successes", "n_trials"]].itertuples(index=False)],
        "hovertemplate": "%{text} trials succeed at %{x:.2~g}<extra>%{fullData.name}</extra>",
    }


def _bar(own: pd.DataFrame, height: float, colour: str, name: str) -> list[Json]:
    """The basin of one arm from edge to edge, and the interval of each edge, or a question mark."""
    if own.empty or not own["found"].iloc[0]:
        return []
    lower, upper, width = _parts(own)
    shared = {"type": "scatter", "legendgroup": name, "showlegend": False, "name": plotly_text(name)}
    said = f"{plotly_text(name)}: {_rate(lower)} to {_rate(upper)}, {_decades(width)} decades"
    ends = numbers([lower["estimate"], upper["estimate"]], 4)
    is_sure = bool(width["trustworthy"])
    line = {"color": colour, "width": 6 if is_sure else 3, "dash": "solid" if is_sure else "dot"}
    hover = {"text": [said] * 2, "hovertemplate": "%{text}<extra></extra>"}
    marks = [{**shared, "mode": "lines", "x": ends, "y": [height] * 2, "line": line, **hover}]
    for edge, side in ((lower, "middle left"), (upper, "middle right")):
        if edge["trustworthy"]:
            at = {"x": numbers([edge["low"], edge["high"]], 4), "y": [height] * 2}
            marker = {"symbol": "line-ns-open", "size": 11, "color": colour, "line": {"width": 2}}
            thin = {"color": colour, "width": 1.5}
            marks.append({**shared, "mode": "lines+markers", **at, "line": thin, "marker": marker, **hover})
        else:
            at = {"x": numbers([edge["estimate"]], 4), "y": [height], "text": ["?"], "textposition": side}
            font = {"color": colour, "size": 15}
            marks.append({**shared, "mode": "text", **at, "textfont": font, "hoverinfo": "skip"})
    return marks


def _layout(axis: AnyAxis, n_arms: int, own_place: float | None) -> Json:
    shapes = [half_shape()]
    if own_place is not None:
        line = {"color": "#888888", "width": 1.5, "dash": "dash"}
        where = {"x0": own_place, "x1": own_place, "yref": "paper", "y0": 0, "y1": 1}
        shapes.append({"type": "line", **where, "line": line, "layer": "below"})
    y = {
        "title": {"text": "share of trials that succeed"},
        "range": [-_STEP * (n_arms + 1.2), 1.05],
        "tickvals": [0, 0.25, 0.5, 0.75, 1],
        "zeroline": False,
    }
    return {"xaxis": space_axis(axis), "yaxis": y, "shapes": shapes}


def _edges(basins: pd.DataFrame) -> Numbers:
    rows = []
    for name, own in basins.groupby("recipe", sort=False):
        lower, upper, width = _parts(own)
        is_told = math.isfinite(width["estimate"])
        cells = [_rate(lower), _rate(upper)] if lower["found"] else ["none" if is_told else "-"] * 2
        rows.append([name, *cells, _decades(width) if is_told else "-"])
    columns = ["recipe", "lower edge", "upper edge", "width, decades"]
    note = (
        "Where success is at least as likely as not, in learning rates; model-based, with 95 % intervals. A ? marks "
        "what is not trustworthy."
    )
    return Numbers("The basin's edges and width", pd.DataFrame(rows, columns=columns), note)


def _parts(own: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of one arm: lower edge, upper edge, width."""
    rows = {str(row["quantity"]): {str(key): value for key, value in row.items()} for row in own.to_dict("records")}
    return [rows[quantity] for quantity in ("lower", "upper", "width")]


def _rate(edge: Mapping[str, Any]) -> str:
    if not edge["inside"]:
        return f"{'below' if edge['quantity'] == 'lower' else 'above'} {edge['estimate']:.1e}"
    if not edge["trustworthy"]:
        return f"{edge['estimate']:.1e} ?"
    return f"{edge['estimate']:.1e} [{edge['low']:.1e}, {edge['high']:.1e}]"


def _decades(width: Mapping[str, Any]) -> str:
    if not width["trustworthy"]:
        return f"{width['estimate']:.2f} ?"
    return f"{width['estimate']:.2f} [{width['low']:.2f}, {width['high']:.2f}]"


def _said(basins: pd.DataFrame) -> list[str]:
    said = []
    for name, own in basins.groupby("recipe", sort=False):
        lower, upper, width = _parts(own)
        if not lower["found"]:
            said.append(f"{name}: no basin found.")
        else:
            said.append(f"{name}: {_rate(lower)} to {_rate(upper)}, {_decades(width)} decades.")
    return said


def _warnings(basins: pd.DataFrame) -> list[str]:
    doubted = basins[~basins["trustworthy"].astype(bool) & (basins["quantity"] == "width")]
    by_note: dict[str, list[str]] = {}
    for row in doubted.itertuples():
        by_note.setdefault(str(row.note), []).append(str(row.recipe))
    return [f"Basin of {', '.join(names)}: {note}" for note, names in by_note.items()]
