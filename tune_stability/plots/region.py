"""The success region of an arm, and success and score against the learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tune_stability.analysis import judge, learning_rate_basin, success_arrays
from tune_stability.analysis.basin import Resampled
from tune_stability.analysis.curve import fit_curve
from tune_stability.outcomes import SuccessRule
from tune_stability.plots.space_axes import span_rates_and_epochs
from tune_stability.plots.style import SUCCESS_MAP, arm_styles
from tune_stability.spaces import SearchSpace


def plot_region(
    frame: pd.DataFrame, ax: Axes, recipe: str, space: SearchSpace, rule: SuccessRule, has_scale: bool = True
) -> Axes:
    """Each configuration of an arm at its learning rate and epochs, coloured by the share of seeds that succeeded.

    `has_scale` draws the scale of colours beside it.
    """
    arms = success_arrays(frame, [recipe], space, rule)
    shares = _shares(arms.success[recipe])
    configurations = arms.configurations[~np.isnan(shares)]
    marks = ax.scatter(
        configurations["learning_rate"],
        configurations["num_epochs"],
        c=shares[~np.isnan(shares)],
        cmap=SUCCESS_MAP,
        vmin=0,
        vmax=1,
        s=36,
        edgecolors="0.25",
        linewidths=0.5,
    )
    ax.set_title(recipe)
    span_rates_and_epochs(ax, space)
    if has_scale:
        ax.figure.colorbar(marks, ax=ax, label="share of seeds that succeed")
    return ax


def plot_basin(frame: pd.DataFrame, ax: Axes, recipes: Sequence[str], space: SearchSpace, rule: SuccessRule) -> Axes:
    """Success against the learning rate per arm: shares as points, the smoothed curve, and the basin as a bar.

    The curve and the basin (success probability at least one half, 95 % intervals of its edges) are model-based and
    average over whatever else the space spans.
    """
    axis = space.axes[space.names.index("learning_rate")]
    for place, (recipe, (colour, marker)) in enumerate(arm_styles(recipes).items()):
        arms = success_arrays(frame, [recipe], space, rule)
        success, rates = arms.success[recipe], arms.configurations["learning_rate"].to_numpy(float)
        kept = ~np.isnan(success).all(axis=1)
        success, rates = success[kept], rates[kept]
        # A little apart, so that arms which agree do not hide one another.
        apart = 0.012 * (place - (len(recipes) - 1) / 2)
        ax.plot(rates, _shares(success) + apart, marker, color=colour, alpha=0.45, markersize=4, linestyle="none")
        if len(np.unique(rates)) < 5:
            continue
        x, places = np.log10(rates), np.linspace(np.log10(axis.low), np.log10(axis.high), 200)
        curve = fit_curve(x, np.nansum(success, axis=1), (~np.isnan(success)).sum(axis=1).astype(float), places)
        ax.plot(10**places, curve.values, color=colour, label=recipe)
        resampled: Resampled = "seeds" if len(space.axes) == 1 else "configurations"
        basin = learning_rate_basin(
            success, rates, np.random.default_rng(0), limits=(axis.low, axis.high), resampled=resampled
        )
        if basin.found:
            height = -0.08 - 0.05 * place
            ax.plot([basin.lower.estimate, basin.upper.estimate], [height, height], color=colour, linewidth=3)
            for edge in (basin.lower, basin.upper):
                ax.plot([edge.low, edge.high], [height, height], color=colour, linewidth=1, marker="|", markersize=6)
    ax.axhline(0.5, color="0.6", linewidth=0.8, linestyle=":")
    ax.set(title="learning-rate basin", xlabel="learning rate", ylabel="share of trials that succeed", xscale="log")
    ax.set_xlim(axis.low, axis.high)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
    return ax


def plot_scores(frame: pd.DataFrame, ax: Axes, recipes: Sequence[str], space: SearchSpace, rule: SuccessRule) -> Axes:
    """Score at the end of training against the learning rate per arm: every trial, and the median at each rate."""
    completed = frame[(frame["status"] == "completed") & (frame["source"] == "design")]
    completed = completed.assign(success=judge(completed, rule))
    for recipe, (colour, marker) in arm_styles(recipes).items():
        rows = completed[completed["recipe"] == recipe]
        ax.plot(rows["learning_rate"], rows["score"], marker, color=colour, alpha=0.35, markersize=4, linestyle="none")
        median = rows.groupby("learning_rate")["score"].median()
        ax.plot(median.index, median.to_numpy(), color=colour, label=recipe)
    ax.axhline(float(completed["majority_score"].median()), color="0.6", linewidth=0.8, linestyle=":")
    metric = str(completed["metric"].iloc[0]).replace("_", " ")
    axis = space.axes[space.names.index("learning_rate")]
    ax.set(title="score at the end of training", xlabel="learning rate", ylabel=metric, xscale="log")
    ax.set_xlim(axis.low, axis.high)
    return ax


def _shares(success: np.ndarray) -> np.ndarray:
    trials = (~np.isnan(success)).sum(axis=1)
    return np.where(trials > 0, np.nansum(success, axis=1) / np.maximum(trials, 1), np.nan)
