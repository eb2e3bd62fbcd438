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
    "<": "triangle-left",
    ">": "triangle-right",
    "p": "pentagon",
    "P": "cross",
    "X": "x",
    "*": "star",
}
SUCCESS_SCALE = "Cividis"


def arm_marks(recipes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The colour and Plotly's symbol of each arm, the same as in the figures for print."""
    return {recipe: (colour, _SYMBOLS[marker]) for recipe, (colour, marker) in arm_styles(recipes).items()}


def interval_marks(
    table: pd.DataFrame, labels: Sequence[str], colour: str, symbol: str, name: str, apart: float = 0.0
) -> Json:
    """Estimates with intervals as horizontal bars, in percent, at heights 0, 1, ..., which `interval_axis` labels.

    `table` has the fields of intervals. `apart` moves them off their heights, so that several do not hide one another.
    """
    estimate, low, high = (100 * table[column].to_numpy(float) for column in ("estimate", "low", "high"))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
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
        "hovertemplate": "%{text}<extra></extra>",
        "text": [
            f"{label}: {middle:.1f} [{start:.1f}, {end:.1f}]"
            for label, middle, start, end in zip(labels, estimate, low, high, strict=True)
        ],
    }


def interval_axis(labels: Sequence[str]) -> Json:
    """The vertical axis of `interval_marks`, the first label on top."""
    return {
        "tickvals": list(range(len(labels))),
        "ticktext": list(labels),
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
        "dtick": 1,
    }
