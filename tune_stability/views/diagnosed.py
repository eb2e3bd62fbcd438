"""What training looked like in the chosen trials, and where all trials ended."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from tune_stability.views.study_view import StudyView

MOST_GROUPS = 10
"""A deeper model shows the ends and so many layers in all, evenly spread, as the paper's figure 4 does."""
_ENDS = {"embeddings": 0, "other": 2, "pooler": 3, "classifier": 4}


def gradient_table(view: StudyView) -> pd.DataFrame:
    """A row per chosen trial, layer group and recorded step: `failure_mode`, `part`, `trial_id`, `layer_group` (the
    lowest first, `MOST_GROUPS` of them), `step` and `norm` (L2, before clipping)."""
    groups = _spread(sorted(view.gradients["layer_group"].unique(), key=_depth))
    steps = _steps_of_chosen(view, view.gradients[view.gradients["layer_group"].isin(groups)])
    steps = steps.assign(depth=steps["layer_group"].map({name: depth for depth, name in enumerate(groups)}))
    steps = steps.sort_values(["order", "depth", "step"], kind="stable")
    return steps[["failure_mode", "part", "trial_id", "layer_group", "step", "norm"]].reset_index(drop=True)


def training_curve_table(view: StudyView) -> pd.DataFrame:
    """A row per chosen trial and logged step: `failure_mode`, `part`, `trial_id`, `recipe`, `step`, `loss` (of the
    step's batch, in nats) and `score` (NaN where the step was not evaluated)."""
    steps = _steps_of_chosen(view, view.curves).sort_values(["order", "step"], kind="stable")
    return steps[["failure_mode", "part", "trial_id", "recipe", "step", "loss", "score"]].reset_index(drop=True)


def score_loss_table(view: StudyView) -> pd.DataFrame:
    """A row per trial with an outcome: `trial_id`, `recipe`, `train_loss` (nats, over the last epoch), `score` at the
    end of training, `outcome` by the view's rule and `failure_mode` as stored."""
    rows = view.completed
    numbers = {name: rows[name].astype(float) for name in ("train_loss", "score")}
    rows = rows.assign(outcome=np.where(rows["success"] == 1, "success", "failed"), **numbers)
    return rows[["trial_id", "recipe", "train_loss", "score", "outcome", "failure_mode"]].reset_index(drop=True)


def _steps_of_chosen(view: StudyView, steps: pd.DataFrame) -> pd.DataFrame:
    chosen = view.chosen[["failure_mode", "part", "trial_id", "recipe"]]
    return chosen.assign(order=range(len(chosen))).merge(steps, on="trial_id")


def _depth(group: str) -> tuple[int, int, str]:
    layer = re.fullmatch(r"layer_(\d+)", group)
    return (1, int(layer.group(1)), "") if layer else (_ENDS.get(group, 2), 0, group)


def _spread(groups: list[str]) -> list[str]:
    layers = [group for group in groups if _depth(group)[0] == 1]
    most = max(MOST_GROUPS - (len(groups) - len(layers)), 2)
    if len(layers) > most:
        kept = {layers[place] for place in np.linspace(0, len(layers) - 1, most).round().astype(int)}
        groups = [group for group in groups if group not in layers or group in kept]
    return groups
