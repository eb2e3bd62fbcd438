"""The figures for print of how and why trials fail."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from tune_stability.plots.failure_modes import plot_failure_modes
from tune_stability.plots.style import COLUMN_WIDTH, PAGE_WIDTH, legend_above, single, width_of
from tune_stability.plots.training import plot_gradients, plot_score_against_loss
from tune_stability.views import StudyView, failure_mode_table, gradient_table, score_loss_table


def failure_modes(view: StudyView) -> Figure | None:
    """How the trials of each arm ended; None without an arm."""
    table = failure_mode_table(view)
    if table.empty:
        return None
    figure, ax = single(width_of(table["recipe"].nunique()), 1.1 + 0.26 * table["recipe"].nunique())
    plot_failure_modes(table, ax)
    legend_above(figure, ax, 3)
    return figure


def gradients(view: StudyView) -> Figure | None:
    """Gradient norms of the chosen trials of the most frequent failure mode; None without any."""
    table = gradient_table(view)
    if table.empty:
        return None
    # The most frequent failure mode comes first.
    mode = table["failure_mode"].iloc[0]
    parts = list(table[table["failure_mode"] == mode].groupby("part", sort=False))
    figure = Figure(figsize=(PAGE_WIDTH, 2.4), layout="constrained")
    axes = figure.subplots(1, len(parts), sharey=True, squeeze=False)[0]
    for ax, (part, rows) in zip(axes, parts, strict=True):
        plot_gradients(rows, ax)
        ax.set_title(f"failed: {str(mode).replace('_', ' ')}" if part == "failed" else "successful")
        ax.label_outer()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    return figure


def ends(view: StudyView) -> Figure | None:
    """The score of each trial against its training loss; None if none has both."""
    table = score_loss_table(view)
    if not np.isfinite(table[["train_loss", "score"]].astype(float)).all(axis=1).any():
        return None
    figure, ax = single(COLUMN_WIDTH, 2.8)
    recipes = list(dict.fromkeys([*view.recipes, *table["recipe"]]))
    majority = float(view.completed["majority_score"].astype(float).median())
    plot_score_against_loss(table, ax, recipes, majority, str(view.completed["metric"].iloc[0]))
    return figure
