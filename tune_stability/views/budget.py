"""What each arm brings for a number of trials."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd

from tune_stability.analysis import expected_bests
from tune_stability.analysis.arms import BUDGETS, ArmSummary
from tune_stability.analysis.interval import Interval
from tune_stability.views.design_trials import design_trials
from tune_stability.views.rates import interval_table
from tune_stability.views.study_view import StudyView


def expected_best_table(view: StudyView) -> pd.DataFrame:
    """A row per arm and number of trials, `n`: the expected best score of so many, with the fields of its interval.

    Up to an eighth of the configurations it is that of the summary. Beyond, up to all of them, there is an estimate
    without limits (NaN), which is not trustworthy. `majority` and `metric` are those of the trials.
    """
    keys, intervals = [], []
    for arm in view.summary.arms if view.summary else ():
        for n, interval in _by_budget(view, arm).items():
            keys.append({"recipe": arm.recipe, "n": n})
            intervals.append(interval)
    rows = design_trials(view)
    table = interval_table(keys, intervals, ["recipe", "n"])
    metric = str(rows["metric"].iloc[0]).replace("_", " ") if len(rows) else ""
    return table.assign(majority=rows["majority_score"].median() if len(rows) else np.nan, metric=metric)


def needed_table(view: StudyView) -> pd.DataFrame:
    """A row per arm: `recipe`, the fields of the interval of the random trials that a 95 % chance of one success takes,
    and `seconds`, the mean duration of one of its trials (NaN if not recorded)."""
    arms = view.summary.arms if view.summary else ()
    table = interval_table([{"recipe": arm.recipe} for arm in arms], [arm.trials_needed for arm in arms], ["recipe"])
    rows = design_trials(view)
    seconds = rows["seconds"].astype(float).groupby(rows["recipe"]).mean()
    return table.assign(seconds=[float(seconds.get(arm.recipe, math.nan)) for arm in arms])


def _by_budget(view: StudyView, arm: ArmSummary) -> dict[int, Interval]:
    found = dict(arm.expected_best)
    if not found:
        return {}
    arms = view.arms[arm.recipe]
    scores, success = arms.scores[arm.recipe], arms.success[arm.recipe]
    lacking = [n for n in BUDGETS if n not in found and n <= len(scores)]
    # Only the estimate is shown, which is the same for every design.
    for n, further in expected_bests(scores, success, lacking, majority=arms.majority, design="random").items():
        found[n] = dataclasses.replace(further, low=math.nan, high=math.nan, trustworthy=False)
    return dict(sorted(found.items()))
