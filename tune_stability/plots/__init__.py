"""Figures from tables: each takes a DataFrame and an Axes and returns the Axes."""

from tune_stability.plots.attribution import plot_attribution
from tune_stability.plots.budget import plot_expected_best
from tune_stability.plots.collection import COLLECTION
from tune_stability.plots.failure_modes import plot_failure_modes
from tune_stability.plots.figure import region_figure
from tune_stability.plots.importance import plot_importance
from tune_stability.plots.learning_rates import plot_basin, plot_scores
from tune_stability.plots.rates import plot_rates
from tune_stability.plots.region import plot_difference, plot_region, plot_surface
from tune_stability.plots.scores import plot_rate_boxes, plot_score_boxes
from tune_stability.plots.slices import plot_slices
from tune_stability.plots.training import plot_gradients, plot_score_against_loss

__all__ = [
    "COLLECTION",
    "plot_attribution",
    "plot_basin",
    "plot_difference",
    "plot_expected_best",
    "plot_failure_modes",
    "plot_gradients",
    "plot_importance",
    "plot_rate_boxes",
    "plot_rates",
    "plot_region",
    "plot_score_against_loss",
    "plot_score_boxes",
    "plot_scores",
    "plot_slices",
    "plot_surface",
    "region_figure",
]
