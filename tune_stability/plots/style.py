"""Colours and labels that are the same in every figure."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart by colour-blind readers; markers differ as well.
_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SUCCESS_MAP = "cividis"


def arm_styles(recipes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The colour and the marker of each arm, by its place among `recipes`."""
    return {
        recipe: (_COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)])
        for place, recipe in enumerate(recipes)
    }


def depth_colours(count: int) -> list[str]:
    """Colours of layer groups from the lowest to the highest, in an order that colour-blind readers see too.

    Without the ends of the scale, which fade on dark or on light paper.
    """
    scale = matplotlib.colormaps["viridis"]
    return [to_hex(scale(place)) for place in np.linspace(0.28, 0.88, count)]


COLUMN_WIDTH, PAGE_WIDTH = 3.4, 7.0
"""Inches: one column of a paper in two columns, and both."""


def for_print() -> AbstractContextManager[None]:
    """The settings of matplotlib under which a figure is drawn and saved, to be legible at its size in a paper."""
    return matplotlib.rc_context(
        {
            "font.size": 8,
            "axes.titlesize": 8,
            "legend.fontsize": 7,
            "axes.spines.top": False,
            "axes.spines.right": False,
            # Text stays text, which journals ask for.
            "pdf.fonttype": 42,
        }
    )


def single(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of one pair of axes for print, in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()
