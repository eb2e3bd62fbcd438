"""Box plots of scores, per arm and by learning rate, as figures 1, 5 and 6 of Mosbach et al. (2020)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from tune_stability.plots.places import rate_label, slots, spread
from tune_stability.plots.style import arm_styles


def plot_score_boxes(table: pd.DataFrame, ax: Axes, points: pd.DataFrame | None = None) -> Axes:
    """A pair of boxes per arm: the score at the end of training, filled, and the best score, open.

    `table` as `views.score_table` gives it; `points`, as `views.score_points` gives them, are drawn as trials over the
    first. The line is the majority score. There is no legend.
    """
    recipes = list(table["recipe"].unique())
    offsets, width = slots(["score", "best_score"])
    for place, (recipe, (colour, _)) in enumerate(arm_styles(recipes).items()):
        for column, offset in offsets.items():
            rows = table[(table["recipe"] == recipe) & (table["column"] == column)]
            _boxes(ax, rows, [place + offset], width, colour, is_filled=column == "score")
        if points is not None:
            scores = points.loc[points["recipe"] == recipe, "score"].to_numpy(float)
            _points(ax, np.full(len(scores), place + offsets["score"]), scores, width, colour)
    for label, filled in (("end of training", "full"), ("best while training", "none")):
        ax.plot([], [], "s", color="0.5", fillstyle=filled, markersize=6, label=label)
    ax.set_xticks(range(len(recipes)), [recipe.replace("+", "+\n") for recipe in recipes])
    ax.set_xlim(-0.6, len(recipes) - 0.4)
    _finish(ax, table)
    return ax


def plot_rate_boxes(table: pd.DataFrame, ax: Axes, points: pd.DataFrame | None = None) -> Axes:
    """The score at the end of training by learning rate, arms side by side.

    `table` as `views.rate_score_table` gives it, `points` as in `plot_score_boxes`. Many rates are put into bins.
    There is no legend.
    """
    recipes = list(table["recipe"].unique())
    groups = table.drop_duplicates("group").sort_values("group")
    places = {group: place for place, group in enumerate(groups["group"])}
    offsets, width = slots(recipes)
    for recipe, (colour, _) in arm_styles(recipes).items():
        rows = table[(table["recipe"] == recipe) & (table["column"] == "score")]
        _boxes(ax, rows, [places[group] + offsets[recipe] for group in rows["group"]], width, colour, is_filled=True)
        ax.plot([], [], color=colour, linewidth=5, alpha=0.6, label=recipe)
        if points is not None:
            own = points[points["recipe"] == recipe]
            x = own["group"].map(places).to_numpy(float) + offsets[recipe]
            _points(ax, x, own["score"].to_numpy(float), width, colour)
    labels = [rate_label(low, high, "\nto ") for low, high in zip(groups["low"], groups["high"], strict=True)]
    ax.set_xticks(range(len(groups)), labels)
    for place in range(len(groups) - 1):
        ax.axvline(place + 0.5, color="0.9", linewidth=0.6, zorder=0)
    ax.set_xlim(-0.5, len(groups) - 0.5)
    ax.set_xlabel("learning rate")
    _finish(ax, table)
    return ax


def _points(ax: Axes, x: NDArray[np.float64], scores: NDArray[np.float64], width: float, colour: str) -> None:
    # Points at the very same score, as those of failed runs are, lie side by side.
    x = x + 0.8 * width * spread(len(scores))
    ax.scatter(x, scores, s=5, color=colour, alpha=0.35, linewidths=0, rasterized=True)


def _boxes(ax: Axes, rows: pd.DataFrame, places: Iterable[float], width: float, colour: str, is_filled: bool) -> None:
    every = zip(rows.to_dict("records"), places, strict=True)
    kept = [(row, place) for row, place in every if row["n"] > row["without_score"]]
    names = {"q1": "q1", "med": "median", "q3": "q3", "whislo": "whisker_low", "whishi": "whisker_high"}
    line = {"color": colour, "linewidth": 0.9}
    if kept:
        ax.bxp(
            [{theirs: row[ours] for theirs, ours in names.items()} for row, _ in kept],
            positions=[place for _, place in kept],
            widths=width,
            boxprops={"edgecolor": colour, "linewidth": 0.9, "facecolor": to_rgba(colour, 0.3 if is_filled else 0.0)},
            medianprops={**line, "linewidth": 1.8},
            whiskerprops=line,
            capprops=line,
            showfliers=False,
            manage_ticks=False,
            patch_artist=True,
        )


def _finish(ax: Axes, table: pd.DataFrame) -> None:
    ax.axhline(float(table["majority"].iloc[0]), color="0.3", linewidth=0.9, linestyle=":", label="majority")
    ax.set_ylabel(str(table["metric"].iloc[0]))
