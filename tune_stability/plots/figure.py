"""The picture that a search leaves beside its Parquet."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tune_stability.axes import AnyAxis
from tune_stability.plots.learning_rates import plot_basin, plot_scores
from tune_stability.plots.region import plot_region
from tune_stability.plots.style import arm_styles
from tune_stability.views import StudyView, basin_curve_table, basin_table, configuration_table


def region_figure(view: StudyView) -> Figure | None:
    """Success over learning rate and epochs per arm, then against the learning rate alone.

    Where epochs are no axis, scores take the place of the regions. None if the learning rate is no axis, or no design
    row has an outcome.
    """
    space, recipes = view.spec.space, list(view.recipes)
    completed = view.completed[view.completed["source"] == "design"]
    if "learning_rate" not in space.names or completed.empty:
        return None
    has_epochs = "num_epochs" in space.names
    panels = len(recipes) + 1 if has_epochs else 2
    figure = Figure(figsize=(4.6 * panels, 4.0), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    rate = space.axes[space.names.index("learning_rate")]
    table = configuration_table(view)
    points = table[table["source"] == "design"]
    for ax, recipe in zip(axes, recipes if has_epochs else [], strict=False):
        plot_region(points[points["recipe"] == recipe], ax, space, has_scale=recipe == recipes[-1])
        ax.set_title(recipe)
    if not has_epochs:
        plot_scores(completed, axes[0], recipes)
        axes[0].set(title="score at the end of training", xlim=(rate.low, rate.high))
    plot_basin(
        basin_curve_table(view),
        axes[-1],
        basin_table(view),
        points,
        (rate.low, rate.high),
        own_rate(view, rate),
        recipes,
    )
    axes[-1].set_title("learning-rate basin")
    lines = [Line2D([], [], color=colour, marker=marker) for colour, marker in arm_styles(recipes).values()]
    figure.legend(lines, recipes, loc="outside lower center", ncols=len(recipes), frameon=False)
    figure.suptitle(f"success rule: {view.rule}", fontsize="small")
    return figure


def own_rate(view: StudyView, axis: AnyAxis) -> float | None:
    """The learning rate of the recipes as published, if the space has it."""
    rate = view.spec.reference_learning_rate
    return rate if axis.low <= rate <= axis.high else None
