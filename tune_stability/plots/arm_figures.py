"""The figures for print of what the arms have over one another: rates, attribution, importance."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from tune_stability.plots.attribution import plot_attribution
from tune_stability.plots.importance import plot_importance
from tune_stability.plots.rates import plot_rates
from tune_stability.plots.style import COLUMN_WIDTH, PAGE_WIDTH, legend_above, single
from tune_stability.views import StudyView, attribution_table, importance_table, rate_table


def rates(view: StudyView) -> Figure | None:
    """The success rate of each arm; None without one."""
    table = rate_table(view)
    if table.empty:
        return None
    figure, ax = single(COLUMN_WIDTH, 0.7 + 0.3 * len(table))
    plot_rates(table, ax)
    return figure


def attribution(view: StudyView) -> Figure | None:
    """The waterfall from the baseline to the treatment; None without an attribution."""
    table = attribution_table(view)
    if table.empty:
        return None
    figure, ax = single(COLUMN_WIDTH if len(table) <= 4 else PAGE_WIDTH, 2.6)
    plot_attribution(table, ax)
    return figure


def importance(view: StudyView) -> Figure | None:
    """Importance for success and for the score side by side; None if nothing decides."""
    table = importance_table(view)
    if not np.isfinite(table["importance"].astype(float)).any():
        return None
    figure = Figure(figsize=(PAGE_WIDTH, 0.9 + 0.4 * table["hyperparameter"].nunique()), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for ax, target in zip(axes, ("success", "score"), strict=True):
        plot_importance(table, ax, target)
    legend_above(figure, axes[0], 4)
    return figure
