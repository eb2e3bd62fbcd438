"""From a stored row back to the trial that it is of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tune_stability.data_source import DataSource
from tune_stability.errors import UserError
from tune_stability.hyperparameters import HYPERPARAMETER_TYPES, Hyperparameters
from tune_stability.trials import CONTRACT_VERSION, SEED_PARTS, TrialConfig

_TEXTS = ("model", "model_revision", "task", "task_fingerprint", "trainable", "recipe", "source")


def config_of_row(row: Mapping[str, Any], data: DataSource | None = None) -> TrialConfig:
    """The trial of a row of `load_results`, with the data found at `data`, which the row does not say.

    Raises `UserError` if this version cannot make the trial that has the row's id.
    """
    trial_id = row["trial_id"]
    if row["contract_version"] != CONTRACT_VERSION:
        raise UserError(
            f"trial {trial_id} ran by version {row['contract_version']} of the code contract, and this tune_stability "
            f"has {CONTRACT_VERSION}, whose results differ; install tune_stability {row['tune_stability_version']}."
        )
    # A row has the run's seed for its parts too where the trial has none of its own, so only the id tells.
    alone = TrialConfig(
        **{name: str(row[name]) for name in _TEXTS},  # type: ignore[arg-type]
        hyperparameters=Hyperparameters(**{name: kind(row[name]) for name, kind in HYPERPARAMETER_TYPES.items()}),
        seed=int(row["seed"]),
        config_index=int(row["config_index"]),
        replicate=_whole(row["replicate"]),
        data=data or DataSource(),
    )
    parts: dict[str, Any] = {part: _whole(row[part]) for part in SEED_PARTS}
    apart = dataclasses.replace(alone, **parts)
    for config in (alone, apart):
        if config.trial_id == trial_id:
            return config
    raise UserError(
        f"the row of trial {trial_id} makes another trial here, {alone.trial_id}: it was changed, or has a "
        f"hyperparameter that this version does not know; install tune_stability {row['tune_stability_version']}."
    )


def _whole(value: Any) -> int | None:
    import pandas as pd

    return None if pd.isna(value) else int(value)
