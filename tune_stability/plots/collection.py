"""The figures for print that a report leaves in a folder, by file name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tune_stability.plots.attribution import plot_attribution
from tune_stability.plots.budget import plot_expected_best
from tune_stability.plots.failure_modes import plot_failure_modes
from tune_stability.plots.importance import plot_importance
from tune_stability.plots.rates import plot_rates
from tune_stability.plots.region_figures import basin, region, slices
from tune_stability.plots.scores import plot_rate_boxes, plot_score_boxes
from tune_stability.plots.style import COLUMN_WIDTH, PAGE_WIDTH, single
from tune_stability.plots.training import plot_gradients, plot_score_against_loss
from tune_stability.views import (
    StudyView,
    attribution_table,
    expected_best_table,
    failure_mode_table,
    gradient_table,
    importance_table,
    rate_score_table,
    rate_table,
    score_loss_table,
    score_points,
    score_table,
)

_MOST_POINTS = 1000
_FEW_ARMS = 4


def _rates(view: StudyView) -> Figure | None:
    table = rate_table(view)
    if table.empty:
        return None
    figure, ax = single(COLUMN_WIDTH, 0.7 + 0.3 * len(table))
    plot_rates(table, ax)
    return figure


def _scores(view: StudyView) -> Figure | None:
    table = score_table(view)
    if not _has_scores(table):
        return None
    figure, ax = single(_width(table), 2.4)
    plot_score_boxes(table, ax, _few(score_points(view)))
    _legend_above(figure, ax, 3)
    return figure


def _scores_by_rate(view: StudyView) -> Figure | None:
    table = rate_score_table(view)
    if not _has_scores(table):
        return None
    figure, ax = single(PAGE_WIDTH, 2.6)
    plot_rate_boxes(table, ax, _few(score_points(view)))
    _legend_above(figure, ax, 5)
    return figure


def _expected_best(view: StudyView) -> Figure | None:
    table = expected_best_table(view)
    if not np.isfinite(table["estimate"].astype(float)).any():
        return None
    figure, ax = single(_width(table), 2.4)
    plot_expected_best(table, ax)
    _legend_above(figure, ax, 3)
    return figure


def _attribution(view: StudyView) -> Figure | None:
    table = attribution_table(view)
    if table.empty:
        return None
    figure, ax = single(COLUMN_WIDTH if len(table) <= 4 else PAGE_WIDTH, 2.6)
    plot_attribution(table, ax)
    return figure


def _failure_modes(view: StudyView) -> Figure | None:
    table = failure_mode_table(view)
    if table.empty:
        return None
    figure, ax = single(_width(table), 1.1 + 0.26 * table["recipe"].nunique())
    plot_failure_modes(table, ax)
    _legend_above(figure, ax, 3)
    return figure


def _importance(view: StudyView) -> Figure | None:
    table = importance_table(view)
    if not np.isfinite(table["importance"].astype(float)).any():
        return None
    figure = Figure(figsize=(PAGE_WIDTH, 0.9 + 0.4 * table["hyperparameter"].nunique()), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for ax, target in zip(axes, ("success", "score"), strict=True):
        plot_importance(table, ax, target)
    _legend_above(figure, axes[0], 4)
    return figure


def _legend_above(figure: Figure, ax: Axes, columns: int) -> None:
    # Of the figure, because one of the axes would make those narrower.
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=columns, frameon=False)


def _width(table: pd.DataFrame) -> float:
    """One column for a few arms, so that their names have room."""
    return COLUMN_WIDTH if table["recipe"].nunique() <= _FEW_ARMS else PAGE_WIDTH


def _has_scores(table: pd.DataFrame) -> bool:
    return bool((table["n"] > table["without_score"]).any())


def _few(points: pd.DataFrame) -> pd.DataFrame:
    """At most `_MOST_POINTS`, by chance, always the same ones: more would be a blot."""
    kept = np.random.default_rng(0).permutation(len(points))[:_MOST_POINTS]
    return points.iloc[np.sort(kept)]


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
    {
        "success-rates": _rates,
        "region": region,
        "slices": slices,
        "basin": basin,
        "scores": _scores,
        "scores-by-learning-rate": _scores_by_rate,
        "expected-best": _expected_best,
        "attribution": _attribution,
        "failure-modes": _failure_modes,
        "gradient-norms": _gradients,
        "score-against-loss": _ends,
        "importance": _importance,
    }
)
"""What draws each figure; it returns None if the study has nothing to show there."""
