"""How the trials of each arm ended: success, or why not."""

from __future__ import annotations

import pandas as pd

from tune_stability.analysis.arms import UNCLASSIFIED
from tune_stability.outcomes import FAILURE_MODES
from tune_stability.views.study_view import StudyView

SUCCESS = "success"
ENDS = (SUCCESS, *reversed(FAILURE_MODES), UNCLASSIFIED)
"""What a completed trial shows, in the order of the bars."""


def failure_mode_table(view: StudyView) -> pd.DataFrame:
    """A row per arm and end of a trial: `recipe`, `mode`, `trials`, and `share` of the arm's trials, in [0, 1].

    Of the design rows with an outcome; the shares of an arm that has one add up to 1. `unclassified` has rows only if
    some arm has such trials.
    """
    rows = []
    for arm in view.summary.arms if view.summary else ():
        counts = {SUCCESS: arm.n_trials - sum(arm.failure_modes.values()), **arm.failure_modes}
        for mode in ENDS:
            trials = counts.get(mode, 0)
            rows.append({"recipe": arm.recipe, "mode": mode, "trials": trials, "share": trials / max(arm.n_trials, 1)})
    table = pd.DataFrame(rows, columns=["recipe", "mode", "trials", "share"])
    other = table["mode"] == UNCLASSIFIED
    return table if table.loc[other, "trials"].any() else table[~other].reset_index(drop=True)
