"""Plotly marks and axes that look the same in every picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tune_stability.page.blocks import Json
from tune_stability.plots.style import arm_styles

# Matplotlib's markers by Plotly's names.
_SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
    "X": "x",
    "*": "star",
}
SUCCESS_SCALE = "Cividis"


def arm_marks(recipes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The colour and Plotly's symbol of each arm, the same as in the figures for print."""
    return {recipe: (colour, _SYMBOLS[marker]) for recipe, (colour, marker) in arm_styles(recipes).items()}


def interval_marks(table: pd.DataFrame, labels: Sequence[str], colour: str, symbol: str, name: str) -> Json:
    """Estimates with their intervals as horizontal bars, in percent. `table` has the fields of intervals."""
    estimate, low, high = (100 * table[column].to_numpy(float) for column in ("estimate", "low", "high"))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escaped(name),
        "x": numbers(estimate),
        "y": [escaped(label) for label in labels],
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
        "hovertemplate": "%{y}: %{x:.1f} [%{customdata[0]:.1f}, %{customdata[1]:.1f}]<extra></extra>",
        "customdata": [list(pair) for pair in zip(numbers(low), numbers(high), strict=True)],
    }


def numbers(values: Any, digits: int = 5) -> list[float | None]:
    """The values as JSON takes them: to so many significant digits, None where not finite."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in np.asarray(values, float)]


def escaped(text: str) -> str:
    """Text of the study as Plotly shows it letter by letter; it takes some tags for marks of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "% {")


def log_axis(title: str, low: float, high: float) -> Json:
    """A logarithmic axis over a range."""
    margin = 0.02 * np.log10(high / low)
    return {
        "title": {"text": title},
        "type": "log",
        "range": [float(np.log10(low) - margin), float(np.log10(high) + margin)],
        "exponentformat": "power",
        "dtick": 1,
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
