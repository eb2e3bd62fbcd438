"""Colours and labels that are the same in every figure."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

# Each shipped recipe has its own style, whatever it is shown with. The four between devlin and stable have Okabe and
# Ito's colours, which colour-blind readers tell apart; a recipe without warmup has a neighbouring hue of the same with
# warmup. Every colour has a contrast of at least 3 with white and with the page's dark background. Eleven colours
# cannot all be told apart without hue, so the markers differ too.
_SHIPPED = MappingProxyType(
    {
        "devlin": ("#D55E00", "o"),
        "stable": ("#0072B2", "s"),
        "devlin+epochs": ("#009E73", "D"),
        "devlin+correction": ("#CC79A7", "^"),
        "mixout": ("#8E6BD0", "P"),
        "reinit": ("#9A6A3A", "X"),
        "llrd": ("#808890", "*"),
        "no-warmup": ("#B58900", "v"),
        "no-warmup+correction": ("#E4486A", "<"),
        "no-warmup+epochs": ("#6B9A00", ">"),
        "no-warmup+correction+epochs": ("#149DBE", "p"),
    }
)
SUCCESS_MAP = "cividis"
DIFFERENCE_MAP = "RdBu"


def arm_styles(recipes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The colour and the marker of each arm.

    A shipped recipe has those of its name. Any other gets the first colour and marker that are free, by its place among
    `recipes`, so give all arms of a study, also where some of them are shown. No two share both.
    """
    found = {recipe: _SHIPPED[recipe] for recipe in recipes if recipe in _SHIPPED}
    for recipe in recipes:
        if recipe not in found:
            found[recipe] = _free(list(found.values()))
    return {recipe: found[recipe] for recipe in recipes}


def _free(taken: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The first style whose colour and marker are both free, else one whose pair is; of 121 all are different."""
    styles = list(_SHIPPED.values())
    colours, markers = {colour for colour, _ in taken}, {marker for _, marker in taken}
    for colour, marker in styles:
        if colour not in colours and marker not in markers:
            return colour, marker
    pairs = [(colour, marker) for _, marker in styles for colour, _ in styles]
    return next((pair for pair in pairs if pair not in taken), styles[len(taken) % len(styles)])


def depth_colours(count: int) -> list[str]:
    """Colours of layer groups from the lowest to the highest, in an order that colour-blind readers see too.

    Without the ends of the scale, which fade on dark or on light paper.
    """
    scale = matplotlib.colormaps["viridis"]
    return [to_hex(scale(place)) for place in np.linspace(0.28, 0.88, count)]


COLUMN_WIDTH, PAGE_WIDTH = 3.4, 7.0
"""Inches: one column of a paper in two columns, and both."""
_FEW_ARMS = 4


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


def legend_above(figure: Figure, ax: Axes, columns: int) -> None:
    """The legend of `ax` over the whole figure, because one inside the axes would make those narrower."""
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=columns, frameon=False)


def width_of(n_arms: int) -> float:
    """Inches: one column for a few arms, so that their names have room, else the page."""
    return COLUMN_WIDTH if n_arms <= _FEW_ARMS else PAGE_WIDTH
