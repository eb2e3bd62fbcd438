"""The rows that a click on a point shows, small enough for a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tune_stability.hyperparameters import HYPERPARAMETER_NAMES
from tune_stability.page.blocks import Json

MOST_TRIALS = 2000
"""A larger study embeds the trials of so many, by whole configurations, spread over the study."""
_FIRST = ("trial_id", "recipe", "source", "config_index", "seed")
_THEN = (
    *("status", "outcome", "failure_mode", "metric", "score", "best_score", "majority_score", "train_loss"),
    *("gradient_start", "gradient_end", "steps", "seconds", "device", "started_at"),
)


def embedded(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials that the page carries: all of a small study, else whole configurations, evenly spread."""
    if len(trials) <= MOST_TRIALS:
        return trials
    configurations = trials[["source", "config_index"]].drop_duplicates()
    share = MOST_TRIALS / len(trials)
    kept = configurations.iloc[
        np.unique(np.linspace(0, len(configurations) - 1, int(share * len(configurations))).astype(int))
    ]
    return trials.merge(kept, on=["source", "config_index"])


def trial_rows(trials: pd.DataFrame) -> Json:
    """The rows by column: `columns` has their values, `shared` those hyperparameters that are one value in all."""
    varied = [name for name in HYPERPARAMETER_NAMES if trials[name].nunique(dropna=False) > 1]
    names = [*_FIRST, *varied, *_THEN]
    shared = (
        {}
        if trials.empty
        else {name: plain(trials[name].iloc[0]) for name in HYPERPARAMETER_NAMES if name not in varied}
    )
    return {"columns": {name: [plain(value) for value in trials[name]] for name in names}, "shared": shared}


def points(trials: pd.DataFrame) -> list[str]:
    """What a picture gives as `customdata` of points that are trials: their ids."""
    return [str(one) for one in trials["trial_id"]]


def configurations(table: pd.DataFrame, names: Sequence[str] = ("recipe", "source", "config_index")) -> list[str]:
    """What a picture gives as `customdata` of points that are an arm's configurations."""
    return ["|".join(map(str, row)) for row in table[list(names)].itertuples(index=False)]


def records(table: pd.DataFrame) -> list[Json]:
    """The rows of a table by column."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def plain(value: Any) -> Any:
    """A cell as JSON takes it; numbers to six digits, what is missing or not finite as None."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    return str(value)
