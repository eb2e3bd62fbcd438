"""Tables for looking: what every figure and every picture of the page is drawn from, one function per table."""

from tune_stability.views.configurations import configuration_table
from tune_stability.views.diagnosed import chosen_trials, curve_table, gradient_table, score_loss_table
from tune_stability.views.rates import rate_table, widening_table
from tune_stability.views.study_view import StudyView, view_study

__all__ = [
    "StudyView",
    "chosen_trials",
    "configuration_table",
    "curve_table",
    "gradient_table",
    "rate_table",
    "score_loss_table",
    "view_study",
    "widening_table",
]
