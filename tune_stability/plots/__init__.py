"""Figures from tables: each takes a DataFrame and an Axes and returns the Axes."""

from tune_stability.plots.collection import COLLECTION
from tune_stability.plots.figure import region_figure
from tune_stability.plots.learning_rates import plot_basin, plot_scores
from tune_stability.plots.rates import plot_rates
from tune_stability.plots.region import plot_difference, plot_region, plot_surface
from tune_stability.plots.slices import plot_slices

__all__ = [
    "COLLECTION",
    "plot_basin",
    "plot_difference",
    "plot_rates",
    "plot_region",
    "plot_scores",
    "plot_slices",
    "plot_surface",
    "region_figure",
]
