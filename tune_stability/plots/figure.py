"""The picture that a search leaves beside its Parquet."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tune_stability.outcomes import SuccessRule
from tune_stability.plots.region import plot_basin, plot_region, plot_scores
from tune_stability.plots.style import arm_styles
from tune_stability.spaces import SearchSpace


def region_figure(frame: pd.DataFrame, recipes: Sequence[str], space: SearchSpace, rule: SuccessRule) -> Figure | None:
    """Success over learning rate and epochs per arm, then against the learning rate alone.

    Where epochs are no axis, scores take the place of the regions. None if the learning rate is no axis.
    """
    if "learning_rate" not in space.names:
        return None
    has_epochs = "num_epochs" in space.names
    panels = len(recipes) + 1 if has_epochs else 2
    figure = Figure(figsize=(4.6 * panels, 4.0), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for ax, recipe in zip(axes, recipes if has_epochs else [], strict=False):
        plot_region(frame, ax, recipe, space, rule, has_scale=recipe == recipes[-1])
    if not has_epochs:
        plot_scores(frame, axes[0], recipes, space, rule)
    plot_basin(frame, axes[-1], recipes, space, rule)
    lines = [Line2D([], [], color=colour, marker=marker) for colour, marker in arm_styles(recipes).values()]
    figure.legend(lines, list(recipes), loc="outside lower center", ncols=len(recipes), frameon=False)
    figure.suptitle(f"success rule: {rule}", fontsize="small")
    return figure
