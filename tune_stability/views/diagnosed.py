"""Why runs fail: what training looked like in chosen trials, and where all trials ended."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_stability.axes import AnyAxis
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES
from tune_stability.spaces import SearchSpace
from tune_stability.views.study_view import StudyView

MOST_GROUPS = 10
"""A deeper model shows the ends and so many layers in all, evenly spread, as the paper's figure 4 does."""
_ENDS = {"embeddings": 0, "other": 2, "pooler": 3, "classifier": 4}


def chosen_trials(trials: pd.DataFrame, space: SearchSpace) -> pd.DataFrame:
    """The trials whose training is looked at, by their stored outcome.

    For each failure mode that occurs, the most frequent first: the failed trial with the median learning rate among
    them, then the successful one nearest to it, if any succeeded. The distance sums what each hyperparameter differs
    by: on the space's axes the way between their places in [0, 1], off them 1 for any difference. If nothing failed,
    the successful trial with the median learning rate. `failure_mode` ("" without one) and `part` (failed or success)
    come before the columns of `trials`.
    """
    failed, successful = (trials[trials["outcome"] == outcome] for outcome in ("failed", "success"))
    chosen = []
    for mode in failed["failure_mode"].value_counts().index:
        one = _median_rate(failed[failed["failure_mode"] == mode])
        chosen.append(one.assign(part="failed", mode=mode))
        if not successful.empty:
            nearest = int(np.argmin(_distances(one, successful, space)))
            chosen.append(successful.iloc[[nearest]].assign(part="success", mode=mode))
    if failed.empty and not successful.empty:
        chosen.append(_median_rate(successful).assign(part="success", mode=""))
    table = pd.concat(chosen) if chosen else trials.head(0).assign(part="", mode="")
    table = table.drop(columns="failure_mode").rename(columns={"mode": "failure_mode"})
    keys = ["failure_mode", "part"]
    return table[[*keys, *table.columns.difference(keys, sort=False)]].reset_index(drop=True)


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


def _median_rate(trials: pd.DataFrame) -> pd.DataFrame:
    return trials.sort_values(["learning_rate", "trial_id"]).iloc[[(len(trials) - 1) // 2]]


def _distances(one: pd.DataFrame, others: pd.DataFrame, space: SearchSpace) -> NDArray[np.float64]:
    total = np.zeros(len(others))
    for name in HYPERPARAMETER_NAMES:
        if name in space.names:
            axis = space.axes[space.names.index(name)]
            total += np.abs(_places(others[name], axis) - _places(one[name], axis))
        else:
            total += (others[name] != one[name].iloc[0]).to_numpy(float)
    return total


def _places(column: pd.Series[Any], axis: AnyAxis) -> NDArray[np.float64]:
    places = {value: axis.position(value) for value in column.unique().tolist()}
    return column.map(places).to_numpy(float)


def _steps_of_chosen(view: StudyView, steps: pd.DataFrame) -> pd.DataFrame:
    chosen = chosen_trials(view.trials, view.spec.space)[["failure_mode", "part", "trial_id", "recipe"]]
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
