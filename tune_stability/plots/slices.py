"""Slices through the fitted surfaces of several arms."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from tune_stability.axes import Axis
from tune_stability.plots.space_axes import span_x, words
from tune_stability.plots.style import arm_styles
from tune_stability.spaces import SearchSpace


def plot_slices(table: pd.DataFrame, ax: Axes, space: SearchSpace, recipes: Sequence[str] = ()) -> Axes:
    """The fitted probability of each arm along one axis of `space`, model-based, with its pointwise 95 % band.

    `table`: a `views.slice_table`, whose axis is its second column. `recipes`: all arms of the study, where the table
    has only some of them.
    """
    name = str(table.columns[1])
    axis = space.axes[space.names.index(name)]
    styles = arm_styles(recipes or list(table["recipe"].unique()))
    for recipe, rows in table.groupby("recipe", sort=False):
        colour, marker = styles[str(recipe)]
        continuous = isinstance(axis, Axis) and not axis.is_integer
        x = rows[name].to_numpy() if isinstance(axis, Axis) else range(len(rows))
        ax.plot(x, rows["probability"], color=colour, marker="" if continuous else marker, label=recipe)
        ax.fill_between(x, rows["low"], rows["high"], color=colour, alpha=0.18, linewidth=0)
    ax.axhline(0.5, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    if isinstance(axis, Axis):
        span_x(ax, axis)
        ax.set_xlim(axis.low, axis.high)
    else:
        ax.set_xticks(range(len(axis.values)), [str(value) for value in axis.values])
    ax.set(xlabel=words(name), ylabel="probability of success", ylim=(-0.02, 1.02))
    return ax
