"""Tables for looking: what every figure and every picture of the page is drawn from, one function per table."""

from tune_stability.views.configurations import configuration_table
from tune_stability.views.differences import Difference, study_differences
from tune_stability.views.rates import rate_table, widening_table
from tune_stability.views.study_view import StudyView, view_study

__all__ = [
    "Difference",
    "StudyView",
    "configuration_table",
    "rate_table",
    "study_differences",
    "view_study",
    "widening_table",
]
