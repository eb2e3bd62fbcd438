"""Each configuration of each arm and how its trials came out."""

from __future__ import annotations

import pandas as pd

from tune_stability.views.study_view import StudyView


def configuration_table(view: StudyView) -> pd.DataFrame:
    """A row per recipe, source and configuration that has a completed trial.

    Columns: `recipe`, `source`, `config_index`, the axes of the space, `n_trials` (with an outcome), `successes`,
    `share` of them in [0, 1], and `median_score` (NaN if most diverged).
    """
    keys = ["recipe", "source", "config_index"]
    axes = list(view.spec.space.names)
    completed = view.completed
    found = completed.assign(score=completed["score"].astype(float)).groupby(keys, sort=False, observed=True)
    table = found.agg(
        **{name: (name, "first") for name in axes},
        n_trials=("success", "size"),
        successes=("success", "sum"),
        share=("success", "mean"),
        median_score=("score", "median"),
    )
    return table.reset_index()
