"""The figures for print that a report leaves in a folder, by file name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from matplotlib.figure import Figure

from tune_stability.plots.rates import plot_rates
from tune_stability.plots.style import COLUMN_WIDTH, PAGE_WIDTH, single
from tune_stability.plots.training import plot_gradients, plot_score_against_loss
from tune_stability.views import StudyView, gradient_table, rate_table, score_loss_table


def _rates(view: StudyView) -> Figure | None:
    table = rate_table(view)
    if table.empty:
        return None
    figure, ax = single(COLUMN_WIDTH, 0.7 + 0.3 * len(table))
    plot_rates(table, ax)
    return figure


def _gradients(view: StudyView) -> Figure | None:
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


def _ends(view: StudyView) -> Figure | None:
    table = score_loss_table(view)
    if not np.isfinite(table[["train_loss", "score"]].astype(float)).all(axis=1).any():
        return None
    figure, ax = single(COLUMN_WIDTH, 2.8)
    recipes = list(dict.fromkeys([*view.recipes, *table["recipe"]]))
    majority = float(view.completed["majority_score"].astype(float).median())
    plot_score_against_loss(table, ax, recipes, majority, str(view.completed["metric"].iloc[0]))
    return figure


COLLECTION: Mapping[str, Callable[[StudyView], Figure | None]] = MappingProxyType(
    {"success-rates": _rates, "gradient-norms": _gradients, "score-against-loss": _ends}
)
"""What draws each figure; it returns None if the study has nothing to show there."""
