"""Success, and score, against the learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from tune_stability.plots.space_axes import words
from tune_stability.plots.style import arm_styles


def plot_basin(
    table: pd.DataFrame,
    ax: Axes,
    basins: pd.DataFrame | None = None,
    points: pd.DataFrame | None = None,
    limits: tuple[float, float] | None = None,
    reference: float | None = None,
    recipes: Sequence[str] = (),
) -> Axes:
    """Success against the learning rate per arm: the fitted curve with its band, shares as points, the basin as a bar.

    `table`: `views.basin_curve_table`; `basins`: `views.basin_table`; `points`: `views.configuration_table`. Bars run
    from edge to edge, their thin ends are 95 % intervals; what is not trustworthy is dotted, without them. A
    vertical line marks the learning rate `reference`. `recipes`: all arms, where the tables have only some of them.
    Curve and basin are model-based and average over whatever else the space spans.
    """
    arms = list(dict.fromkeys([*table["recipe"], *(points["recipe"] if points is not None else ())]))
    styles = arm_styles(recipes or arms)
    ax.axhline(0.5, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    if reference is not None:
        ax.axvline(reference, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
    for place, recipe in enumerate(arms):
        colour, marker = styles[recipe]
        if points is not None:
            rows = points[points["recipe"] == recipe]
            # A little apart, so that arms which agree do not hide one another.
            shares = rows["share"] + 0.012 * (place - (len(arms) - 1) / 2)
            ax.plot(rows["learning_rate"], shares, marker, color=colour, alpha=0.45, markersize=3, linestyle="none")
        rows = table[table["recipe"] == recipe]
        if len(rows):
            ax.plot(rows["learning_rate"], rows["probability"], color=colour, label=recipe)
            ax.fill_between(rows["learning_rate"], rows["low"], rows["high"], color=colour, alpha=0.15, linewidth=0)
        if basins is not None:
            own = basins[basins["recipe"] == recipe].set_index("quantity")
            _basin(own, ax, -0.09 - 0.06 * place, colour)
    ax.set(xlabel="learning rate", ylabel="share of trials that succeed", xscale="log")
    ax.set_xlim(limits)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    return ax


def plot_scores(table: pd.DataFrame, ax: Axes, recipes: Sequence[str] = ()) -> Axes:
    """Score at the end of training against the learning rate per arm: every trial, and the median at each rate.

    `table`: completed trials, as `load_results` gives them. `recipes`: all arms, where the table has some of them.
    """
    arms = list(recipes) or list(table["recipe"].unique())
    for recipe, (colour, marker) in arm_styles(arms).items():
        rows = table[table["recipe"] == recipe]
        ax.plot(rows["learning_rate"], rows["score"], marker, color=colour, alpha=0.35, markersize=4, linestyle="none")
        median = rows.groupby("learning_rate")["score"].median()
        ax.plot(median.index, median.to_numpy(), color=colour, label=recipe)
    ax.axhline(float(table["majority_score"].median()), color="0.6", linewidth=0.8, linestyle=":")
    ax.set(xlabel="learning rate", ylabel=words(str(table["metric"].iloc[0])), xscale="log")
    return ax


def _basin(own: pd.DataFrame, ax: Axes, height: float, colour: str) -> None:
    """The bar of one arm, whose rows are by quantity."""
    if own.empty or not own["found"].iloc[0]:
        return
    lower, upper = own.loc["lower"], own.loc["upper"]
    bar = ax.plot([lower["estimate"], upper["estimate"]], [height, height], color=colour, linewidth=2.5)[0]
    if not own.loc["width", "trustworthy"]:
        bar.set(linewidth=1.5, linestyle=":")
    for edge, side in ((lower, "right"), (upper, "left")):
        if edge["trustworthy"]:
            ax.plot([edge["low"], edge["high"]], [height, height], color=colour, linewidth=1, marker="|", markersize=5)
        else:
            place = (edge["estimate"], height)
            beyond = (-2 if side == "right" else 2, 0)
            ax.annotate(
                *("?", place, beyond), textcoords="offset points", color=colour, ha=side, va="center", fontsize="small"
            )
