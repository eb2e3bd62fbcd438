"""Plotly marks and axes that look the same in every picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from tune_stability.axes import AnyAxis
from tune_stability.page.blocks import Json
from tune_stability.page.labels import plotly_text
from tune_stability.plots.space_axes import is_log, span, ticks, words
from tune_stability.plots.style import DIFFERENCE_MAP, SUCCESS_MAP, arm_styles

# Matplotlib's markers by Plotly's names.
_SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "<": "triangle-left",
    ">": "triangle-right",
    "p": "pentagon",
    "P": "cross",
    "X": "x",
    "*": "star",
}


def colour_scale(name: str) -> list[list[float | str]]:
    """A map of matplotlib's as a scale of Plotly's."""
    places = [k / 10 for k in range(11)]
    return [[place, to_hex(matplotlib.colormaps[name](place))] for place in places]


SUCCESS_SCALE, DIFFERENCE_SCALE = colour_scale(SUCCESS_MAP), colour_scale(DIFFERENCE_MAP)


def arm_marks(recipes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The colour and Plotly's symbol of each arm, the same as in the figures for print."""
    return {recipe: (colour, _SYMBOLS[marker]) for recipe, (colour, marker) in arm_styles(recipes).items()}


def interval_marks(
    table: pd.DataFrame, labels: Sequence[str], colour: str, symbol: str, name: str, apart: float = 0.0
) -> Json:
    """Estimates with intervals as horizontal bars, in percent, at heights 0, 1, ..., which `interval_axis` labels.

    `table` has the fields of intervals; a `?` stands over what is not trustworthy. `apart` moves them off their
    heights, so that several do not hide one another.
    """
    estimate, low, high = (100 * table[column].to_numpy(float) for column in ("estimate", "low", "high"))
    doubts = ["" if is_trusted else "?" for is_trusted in table["trustworthy"]]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": plotly_text(name),
        "x": numbers(estimate),
        "y": [place + apart for place in range(len(labels))],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": numbers(high - estimate),
            "arrayminus": numbers(estimate - low),
            "thickness": 3,
            "width": 8,
            "color": colour,
        },
        "marker": {"color": colour, "symbol": symbol, "size": 13},
        "text": doubts,
        "textposition": "top center",
        "textfont": {"color": colour, "size": 15},
        "hovertemplate": "%{hovertext}<extra></extra>",
        "hovertext": [
            f"{plotly_text(label)}: {middle:.1f} [{start:.1f}, {end:.1f}] {doubt}".strip()
            for label, middle, start, end, doubt in zip(labels, estimate, low, high, doubts, strict=True)
        ],
    }


def interval_axis(labels: Sequence[str]) -> Json:
    """The vertical axis of `interval_marks`, the first label on top."""
    return {
        "tickvals": list(range(len(labels))),
        "ticktext": [plotly_text(label, breaks=True) for label in labels],
        "range": [len(labels) - 0.5, -0.5],
        "zeroline": False,
    }


def faint(colour: str, opacity: float = 0.22) -> str:
    """A colour as `#rrggbb`, let through, for bands and boxes that may lie over one another."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def numbers(values: Any, digits: int = 5) -> list[float | None]:
    """The values as JSON takes them: to so many significant digits, None where not finite."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in np.asarray(values, float)]


def log_axis(title: str, low: float, high: float) -> Json:
    """A logarithmic axis over a range."""
    margin = 0.02 * np.log10(high / low)
    return {
        "title": {"text": title},
        "type": "log",
        "range": [float(np.log10(low) - margin), float(np.log10(high) + margin)],
        "exponentformat": "power",
        # Within a decade or two, powers of ten alone would be few.
        "dtick": 1 if high >= 30 * low else "D2",
    }


def space_axis(axis: AnyAxis) -> Json:
    """An axis of numbers of a space, as the figures for print span and tick it."""
    low, high = span(axis)
    if is_log(axis):
        made = log_axis(words(axis.name), low, high)
    else:
        made = {"title": {"text": words(axis.name)}, "range": [low, high], "zeroline": False}
    at = ticks(axis)
    if at is not None and axis.name != "learning_rate":
        made |= {"tickvals": at, "ticktext": [f"{tick:g}" for tick in at]}
        made.pop("dtick", None)
    return made


def band_marks(x: Any, low: Any, high: Any, colour: str, name: str) -> Json:
    """A band of an arm, which its line shows and hides with itself in the legend."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*numbers(x, 4), *numbers(x, 4)[::-1]],
        "y": [*numbers(low, 3), *numbers(high, 3)[::-1]],
        "fill": "toself",
        "fillcolor": faint(colour, 0.18),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": name,
    }


def half_shape() -> Json:
    """A thin line across a picture where the probability is one half."""
    line = {"color": "#888888", "width": 1, "dash": "dot"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5, "line": line, "layer": "below"}


def colour_bar(title: str, values: Sequence[float], texts: Sequence[str]) -> Json:
    """The scale of colours under a picture whose margin leaves it room."""
    return {
        "orientation": "h",
        "yref": "container",
        "y": 0,
        "yanchor": "bottom",
        "thickness": 10,
        "outlinewidth": 0,
        "len": 0.85,
        "title": {"text": title, "side": "bottom", "font": {"size": 12}},
        "tickvals": list(values),
        "ticktext": list(texts),
    }


def majority_line(completed: pd.DataFrame) -> Json:
    """The part of a layout that marks the majority score across a picture: the median of trials with an outcome."""
    majority = float(completed["majority_score"].astype(float).median())
    if not np.isfinite(majority):
        return {}
    ends = {"xref": "paper", "x0": 0, "x1": 1, "y0": majority, "y1": majority}
    words = {"text": f"majority {majority:.3g}", "showarrow": False, "xanchor": "right", "yanchor": "bottom"}
    return {
        "shapes": [{"type": "line", **ends, "line": {"color": "#808890", "width": 1, "dash": "dash"}}],
        "annotations": [{**words, "xref": "paper", "x": 1, "y": majority}],
    }
