"""The trials that the tables of scores, failures and importance are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tune_stability.analysis.frames import independent
from tune_stability.views.study_view import StudyView

SCORES = ("score", "best_score")
"""A trial's score at the end of training, and the best of all its evaluations."""


def design_trials(view: StudyView) -> pd.DataFrame:
    """The completed design rows of the view's arms, with `success`, and scores as floats.

    Of a factorial seed scheme those that share no seed, as in the success rates.
    """
    rows = view.completed
    rows = rows[(rows["source"] == "design") & rows["recipe"].isin(view.recipes) & independent(rows)]
    return rows.assign(**{name: rows[name].to_numpy(float, na_value=np.nan) for name in (*SCORES, "majority_score")})
