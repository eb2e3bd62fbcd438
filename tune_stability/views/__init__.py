"""Tables for looking: what every figure and every picture of the page is drawn from, one function per table."""

from tune_stability.views.basins import basin_curve_table, basin_table
from tune_stability.views.configurations import configuration_table
from tune_stability.views.diagnosed import chosen_trials, curve_table, gradient_table, score_loss_table
from tune_stability.views.differences import Difference, study_differences
from tune_stability.views.rates import rate_table, widening_table
from tune_stability.views.study_view import StudyView, view_study
from tune_stability.views.surfaces import difference_table, slice_table, surface_table

__all__ = [
    "Difference",
    "StudyView",
    "basin_curve_table",
    "basin_table",
    "chosen_trials",
    "configuration_table",
    "curve_table",
    "difference_table",
    "gradient_table",
    "rate_table",
    "score_loss_table",
    "slice_table",
    "study_differences",
    "surface_table",
    "view_study",
    "widening_table",
]
