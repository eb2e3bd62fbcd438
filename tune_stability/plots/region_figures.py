"""The figures for print of region, slices and basin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tune_stability.hyperparameters import Value
from tune_stability.plots.figure import own_rate
from tune_stability.plots.learning_rates import plot_basin
from tune_stability.plots.region import plot_difference, plot_surface
from tune_stability.plots.slices import plot_slices
from tune_stability.plots.space_axes import at_value
from tune_stability.plots.style import COLUMN_WIDTH, PAGE_WIDTH, arm_styles, single
from tune_stability.views import (
    StudyView,
    basin_curve_table,
    basin_table,
    configuration_table,
    difference_table,
    slice_table,
    surface_table,
)
from tune_stability.views.space_parts import axis_pairs, chosen_values, held_values


def region(view: StudyView) -> Figure | None:
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


def slices(view: StudyView) -> Figure | None:
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


def basin(view: StudyView) -> Figure | None:
    """Success against the learning rate with the basin of each arm."""
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
