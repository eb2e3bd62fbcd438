"""The figures for print that a report leaves in a folder, by file name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tune_stability.hyperparameters import Value
from tune_stability.plots.attribution import plot_attribution
from tune_stability.plots.budget import plot_expected_best
from tune_stability.plots.failure_modes import plot_failure_modes
from tune_stability.plots.figure import own_rate
from tune_stability.plots.importance import plot_importance
from tune_stability.plots.learning_rates import plot_basin
from tune_stability.plots.rates import plot_rates
from tune_stability.plots.region import plot_difference, plot_surface
from tune_stability.plots.scores import plot_rate_boxes, plot_score_boxes
from tune_stability.plots.slices import plot_slices
from tune_stability.plots.space_axes import at_value
from tune_stability.plots.style import COLUMN_WIDTH, PAGE_WIDTH, arm_styles, single
from tune_stability.plots.training import plot_gradients, plot_score_against_loss
from tune_stability.views import (
    StudyView,
    attribution_table,
    basin_curve_table,
    basin_table,
    configuration_table,
    difference_table,
    expected_best_table,
    failure_mode_table,
    gradient_table,
    importance_table,
    rate_score_table,
    rate_table,
    score_loss_table,
    score_points,
    score_table,
    slice_table,
    surface_table,
)
from tune_stability.views.space_parts import axis_pairs, chosen_values, held_values

_MOST_POINTS = 1000
_FEW_ARMS = 4


def _rates(view: StudyView) -> Figure | None:
    table = rate_table(view)
    if table.empty:
        return None
    figure, ax = single(COLUMN_WIDTH, 0.7 + 0.3 * len(table))
    plot_rates(table, ax)
    return figure


def _region(view: StudyView) -> Figure | None:
    """The baseline, the treatment and their difference in columns; a row for each pair of axes."""
    pairs, space = axis_pairs(view.spec.space), view.spec.space
    ends = [view.main.baseline.recipe, view.main.treatment.recipe] if view.main else list(view.recipes[:1])
    if not pairs or not ends or not set(ends) <= view.surfaces.keys():
        return None
    columns = 3 if len(ends) == 2 else 1
    figure = Figure(
        figsize=(PAGE_WIDTH if columns == 3 else COLUMN_WIDTH, 0.5 + 1.9 * len(pairs)), layout="constrained"
    )
    axes = figure.subplots(len(pairs), columns, squeeze=False, sharey="row")
    table = configuration_table(view)
    points = table[table["source"] == "design"]
    for row, (across, up) in zip(axes, pairs, strict=True):
        surfaces = surface_table(view, across.name, up.name)
        for ax, recipe in zip(row, ends, strict=False):
            own = surfaces[surfaces["recipe"] == recipe]
            plot_surface(own, ax, space, points[points["recipe"] == recipe], has_scale=False)
            ax.set_title(recipe)
        if len(ends) == 2:
            plot_difference(difference_table(surfaces, *ends), row[2], space, has_scale=False)
            row[2].set_title(f"{ends[1]} - {ends[0]}")
        row[0].set_ylabel(_held(row[0].get_ylabel(), held_values(view, (across.name, up.name))))
        for ax in row[1:]:
            ax.set_ylabel("")
    for ax in axes[:-1].flat:
        ax.set_xlabel("")
    for over, label in ((axes[:, :2], "probability of success"), (axes[:, 2:], "difference, points")):
        if over.size:
            under = {"location": "bottom", "aspect": 25 * over.shape[1], "shrink": 0.8, "label": label}
            figure.colorbar(over[0, 0].collections[0], ax=over, **under)
    return figure


def _slices(view: StudyView) -> Figure | None:
    """Success along the main axis at a few values of another in columns; a row for each pair of axes."""
    pairs = axis_pairs(view.spec.space)
    if not pairs or not view.surfaces:
        return None
    figure = Figure(figsize=(PAGE_WIDTH, 0.3 + 1.8 * len(pairs)), layout="constrained")
    axes = figure.subplots(len(pairs), 3, squeeze=False, sharey=True)
    for row, (across, up) in zip(axes, pairs, strict=True):
        values = chosen_values(view, up)
        for ax, value in zip(row, values, strict=False):
            plot_slices(slice_table(view, across.name, {up.name: value}), ax, view.spec.space, view.recipes)
            ax.set_title(at_value(up.name, value))
        held = held_values(view, (across.name, up.name))
        row[0].set_ylabel(_held("probability of success", held))
        for ax in row[len(values) :]:
            ax.set_visible(False)
        for ax in row[1:]:
            ax.set_ylabel("")
    for ax in axes[:-1].flat:
        ax.set_xlabel("")
    _legend(figure, view.recipes, 4)
    return figure


def _basin(view: StudyView) -> Figure | None:
    space = view.spec.space
    if "learning_rate" not in space.names or not view.recipes:
        return None
    rate = space.axes[space.names.index("learning_rate")]
    table = configuration_table(view)
    points = table[(table["source"] == "design") & table["recipe"].isin(view.recipes)]
    figure, ax = single(COLUMN_WIDTH, 2.5 + 0.1 * len(view.recipes))
    plot_basin(
        basin_curve_table(view),
        ax,
        basin_table(view),
        points,
        (rate.low, rate.high),
        own_rate(view, rate),
        view.recipes,
    )
    _legend(figure, view.recipes, 2)
    return figure


def _held(label: str, held: Mapping[str, Value]) -> str:
    """A label of a vertical axis with the values at which a surface is held."""
    at = ", ".join(at_value(name, value) for name, value in held.items())
    return f"{label}\n(at {at})" if at else label


def _legend(figure: Figure, recipes: Sequence[str], columns: int) -> None:
    lines = [
        Line2D([], [], color=colour, marker=marker, markersize=4) for colour, marker in arm_styles(recipes).values()
    ]
    figure.legend(lines, list(recipes), loc="outside lower center", ncols=columns, frameon=False)


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
        "region": _region,
        "slices": _slices,
        "basin": _basin,
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
