"""The figures for print of scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tune_stability.plots.budget import plot_expected_best
from tune_stability.plots.scores import plot_rate_boxes, plot_score_boxes
from tune_stability.plots.style import PAGE_WIDTH, legend_above, single, width_of
from tune_stability.views import StudyView, expected_best_table, rate_score_table, score_points, score_table

_MOST_POINTS = 1000


def scores(view: StudyView) -> Figure | None:
    """A pair of boxes per arm; None if no trial has a score."""
    table = score_table(view)
    if not _has_scores(table):
        return None
    figure, ax = single(width_of(table["recipe"].nunique()), 2.4)
    plot_score_boxes(table, ax, _few(score_points(view)))
    legend_above(figure, ax, 3)
    return figure


def scores_by_rate(view: StudyView) -> Figure | None:
    """Boxes of each arm by learning rate; None if that is no axis, or no trial has a score."""
    table = rate_score_table(view)
    if not _has_scores(table):
        return None
    figure, ax = single(PAGE_WIDTH, 2.6)
    plot_rate_boxes(table, ax, _few(score_points(view)))
    legend_above(figure, ax, 5)
    return figure


def expected_best(view: StudyView) -> Figure | None:
    """The expected best score against the number of trials; None if none has a score."""
    table = expected_best_table(view)
    if not np.isfinite(table["estimate"].astype(float)).any():
        return None
    figure, ax = single(width_of(table["recipe"].nunique()), 2.4)
    plot_expected_best(table, ax)
    legend_above(figure, ax, 3)
    return figure


def _has_scores(table: pd.DataFrame) -> bool:
    return bool((table["n"] > table["without_score"]).any())


def _few(points: pd.DataFrame) -> pd.DataFrame:
    """At most `_MOST_POINTS`, by chance, always the same ones: more would be a blot."""
    kept = np.random.default_rng(0).permutation(len(points))[:_MOST_POINTS]
    return points.iloc[np.sort(kept)]
