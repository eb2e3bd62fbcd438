"""Figures from tables: each takes a DataFrame and an Axes and returns the Axes."""

from tune_stability.plots.collection import COLLECTION
from tune_stability.plots.figure import region_figure
from tune_stability.plots.rates import plot_rates
from tune_stability.plots.region import plot_basin, plot_region, plot_scores
from tune_stability.plots.surface import plot_slices, plot_surface

__all__ = [
    "COLLECTION",
    "plot_basin",
    "plot_rates",
    "plot_region",
    "plot_scores",
    "plot_slices",
    "plot_surface",
    "region_figure",
]
