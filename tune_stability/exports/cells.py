"""Cells of a table of trials in Python's own types."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tune_stability.hyperparameters import HYPERPARAMETER_TYPES, Value

if TYPE_CHECKING:
    import pandas as pd

    from tune_stability.spaces import SearchSpace

Row = dict[str, Any]
LABELS = (
    "trial_id",
    "recipe",
    "source",
    "config_index",
    "seed",
    "status",
    "outcome",
    "failure_mode",
    "metric",
    "majority_score",
    "train_loss",
    "best_score",
    "steps",
    "seconds",
    "device",
)
"""The columns that go with a trial into a program that knows only configurations and values."""


def rows_of(trials: pd.DataFrame) -> list[Row]:
    """The rows of a table, by the names of its columns."""
    names = [str(name) for name in trials.columns]
    return [dict(zip(names, row, strict=True)) for row in trials.itertuples(index=False, name=None)]


def configuration(row: Row, space: SearchSpace) -> dict[str, Value]:
    """The configuration of a row of `load_results`, as a point of the study's space."""
    return {name: HYPERPARAMETER_TYPES[name](row[name]) for name in space.names}


def labels(row: Row) -> dict[str, Any]:
    """What else a person wants to see of a trial; None for what is missing, so that any JSON can hold it."""
    return {name: plain(row[name]) for name in LABELS}


def plain(value: Any) -> Any:
    """A scalar cell in Python's own types: None for what is missing, or no finite number."""
    import pandas as pd

    if pd.isna(value) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value
