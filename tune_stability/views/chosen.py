"""The trials whose training a reader is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_stability.axes import AnyAxis
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES
from tune_stability.spaces import SearchSpace


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
