"""What training looked like inside one trial, and where all trials ended."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from tune_stability.plots.style import arm_styles, depth_colours


def plot_gradients(table: pd.DataFrame, ax: Axes) -> Axes:
    """The gradient norm of each layer group over the steps of one trial, as in the paper's figure 4.

    `table`: the rows of one trial of `views.gradient_table`. The lowest layers are darkest. What is not finite or not
    above 0 is left out.
    """
    groups = list(table["layer_group"].unique())
    for group, colour in zip(groups, depth_colours(len(groups)), strict=True):
        rows = table[table["layer_group"] == group]
        norms = rows["norm"].where((rows["norm"] > 0) & (rows["norm"] < float("inf")))
        ax.plot(rows["step"], norms, color=colour, linewidth=1, label=group.replace("_", " "))
    ax.set(xlabel="step", ylabel="gradient norm", yscale="log")
    return ax


def plot_score_against_loss(
    table: pd.DataFrame, ax: Axes, recipes: Sequence[str], majority: float, metric: str
) -> Axes:
    """The score of every trial against its training loss, as in the right of the paper's figure 8.

    `table` as `views.score_loss_table` gives it; `recipes` are the arms in order. A successful trial is a disc and a
    failed one a cross; a line is at `majority`. Diverged trials have no place.
    """
    for recipe, (colour, _) in arm_styles(recipes).items():
        for outcome, marker in (("success", "o"), ("failed", "x")):
            rows = table[(table["recipe"] == recipe) & (table["outcome"] == outcome)]
            ax.plot(
                rows["train_loss"], rows["score"], marker, color=colour, markersize=3.5, alpha=0.7, linestyle="none"
            )
    if not table.empty and (table["train_loss"].dropna() > 0).all():
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.axhline(majority, color="0.5", linewidth=0.8, linestyle=":")
    ax.set(xlabel="training loss, nats", ylabel=f"{metric.replace('_', ' ')} at the end")
    marks = [Line2D([], [], color=colour, marker="o", linestyle="none") for colour, _ in arm_styles(recipes).values()]
    marks += [Line2D([], [], color="0.4", marker=marker, linestyle="none") for marker in ("o", "x")]
    marks += [Line2D([], [], color="0.5", linewidth=0.8, linestyle=":")]
    names = [*recipes, "success", "failed", "majority"]
    # Above the axes, where no trial is.
    ax.legend(
        marks,
        names,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=3,
        markerscale=0.6,
        frameon=False,
        handlelength=1,
    )
    return ax
