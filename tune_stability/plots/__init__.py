"""Figures from tables: each takes a DataFrame and an Axes and returns the Axes."""

from tune_stability.plots.collection import COLLECTION
from tune_stability.plots.figure import region_figure
from tune_stability.plots.rates import plot_rates
from tune_stability.plots.region import plot_basin, plot_region, plot_scores
from tune_stability.plots.surface import plot_slices, plot_surface
from tune_stability.plots.training import plot_gradients, plot_score_against_loss

__all__ = [
    "COLLECTION",
    "plot_basin",
    "plot_gradients",
    "plot_rates",
    "plot_region",
    "plot_score_against_loss",
    "plot_scores",
    "plot_slices",
    "plot_surface",
    "region_figure",
]
