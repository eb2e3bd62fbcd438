"""The share that each axis has in success and in the score."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from tune_stability.plots.places import slots
from tune_stability.plots.style import arm_styles


def plot_importance(table: pd.DataFrame, ax: Axes, target: str) -> Axes:
    """Each arm's importance of each axis for `target`, `success` or `score`, in percent, without intervals.

    `table` as `views.importance_table` gives it. There is no legend.
    """
    rows = table[table["target"] == target]
    names, recipes = list(rows["hyperparameter"].unique()), list(rows["recipe"].unique())
    offsets, _ = slots(recipes)
    for recipe, (colour, marker) in arm_styles(recipes).items():
        own = rows[rows["recipe"] == recipe].set_index("hyperparameter")["importance"]
        places = [place + offsets[recipe] for place in range(len(names))]
        ax.plot([100 * own[name] for name in names], places, marker, color=colour, markersize=5, label=recipe)
    for place in range(len(names) - 1):
        ax.axhline(place + 0.5, color="0.9", linewidth=0.6, zorder=0)
    ax.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set(xlim=(-3, 103), xlabel=f"importance for {target}, %")
    return ax
