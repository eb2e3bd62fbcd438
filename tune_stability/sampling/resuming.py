"""What an adaptive search knows already: read back from the store's rows, which are its only memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tune_stability.sampling.enumeration import configuration_trials
from tune_stability.spaces import Configuration
from tune_stability.studies import StudySpec
from tune_stability.trials import TrialConfig

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class AdaptiveState:
    """`known`: configurations with their share of successes. `started`: the trials that some still lack."""

    known: list[tuple[Configuration, float]]
    started: list[list[TrialConfig]]
    next_index: int


def adaptive_state(spec: StudySpec, rows: pd.DataFrame) -> AdaptiveState:
    """The state of the search whose trials `rows` holds, a row per trial."""
    completed = rows[(rows["source"] == "adaptive") & (rows["status"] == "completed")]
    ids = set(completed["trial_id"])
    known: list[tuple[Configuration, float]] = []
    started: list[list[TrialConfig]] = []
    for _, of_one in completed.groupby("config_index"):
        first = of_one.iloc[0]
        configuration = {
            axis.name: int(first[axis.name]) if axis.is_integer else float(first[axis.name]) for axis in spec.space.axes
        }
        known.append((configuration, float((of_one["outcome"] == "success").mean())))
        trials = configuration_trials(spec, int(first["config_index"]), configuration, "adaptive")
        missing = [trial for trial in trials if trial.trial_id not in ids]
        if missing:
            started.append(missing)
    next_index = int(rows["config_index"].max()) + 1 if len(rows) else 0
    return AdaptiveState(known, started, next_index)
