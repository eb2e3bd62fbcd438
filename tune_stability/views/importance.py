"""Which axes of the space decide success and the score of each arm."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tune_stability.analysis import importance
from tune_stability.views.study_view import StudyView

MOST_TRIALS = 500
"""So many trials are enough for a share, and take Optuna a quarter of a second."""


def importance_table(view: StudyView) -> pd.DataFrame:
    """The table of `analysis.importance` by PED-ANOVA, for the arms of the view; None of its intervals is trustworthy.

    Of a large study the first configurations are used, which are a design too. Empty without design rows, and where the
    space has one axis, which has all the importance.
    """
    rows = view.trials[(view.trials["source"] == "design") & view.trials["recipe"].isin(view.recipes)]
    if rows.empty or len(view.spec.space.axes) < 2:
        return pd.DataFrame(columns=["recipe", "target", "hyperparameter", "importance", "n_trials", "note"])
    if len(rows) > MOST_TRIALS:
        indices = np.sort(rows["config_index"].unique())
        rows = rows[rows["config_index"].isin(indices[: max(1, MOST_TRIALS * len(indices) // len(rows))])]
    rng = np.random.default_rng(view.spec.design_seed)
    table = importance(rows, view.spec.space, view.rule, rng, evaluators=("ped_anova",))
    order = {recipe: place for place, recipe in enumerate(view.recipes)}
    return table.sort_values("recipe", key=lambda names: names.map(order), kind="stable", ignore_index=True)
