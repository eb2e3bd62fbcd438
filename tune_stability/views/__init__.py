"""Tables for looking: what every figure and every picture of the page is drawn from, one function per table."""

from tune_stability.views.attribution import attribution_table, ingredients, interaction_table, lacking_recipes
from tune_stability.views.basins import basin_curve_table, basin_table
from tune_stability.views.budget import expected_best_table, needed_table
from tune_stability.views.chosen import chosen_trials
from tune_stability.views.configurations import configuration_table
from tune_stability.views.diagnosed import gradient_table, score_loss_table, training_curve_table
from tune_stability.views.differences import Difference, study_differences
from tune_stability.views.failure_modes import failure_mode_table
from tune_stability.views.importance import importance_table
from tune_stability.views.rates import rate_table, widening_table
from tune_stability.views.scores import rate_score_table, score_points, score_table
from tune_stability.views.stability import stability_table
from tune_stability.views.study_view import StudyView, view_study
from tune_stability.views.surfaces import difference_table, slice_table, surface_table

__all__ = [
    "Difference",
    "StudyView",
    "attribution_table",
    "basin_curve_table",
    "basin_table",
    "chosen_trials",
    "configuration_table",
    "difference_table",
    "expected_best_table",
    "failure_mode_table",
    "gradient_table",
    "importance_table",
    "ingredients",
    "interaction_table",
    "lacking_recipes",
    "needed_table",
    "rate_score_table",
    "rate_table",
    "score_loss_table",
    "score_points",
    "score_table",
    "slice_table",
    "stability_table",
    "study_differences",
    "surface_table",
    "training_curve_table",
    "view_study",
    "widening_table",
]
