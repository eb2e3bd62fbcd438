"""What an adaptive search knows already: read back from the store's rows, which are its only memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tune_stability.hyperparameters import HYPERPARAMETER_TYPES
from tune_stability.sampling.counts import Counts, count_outcomes
from tune_stability.sampling.enumeration import configuration_trials
from tune_stability.spaces import Configuration
from tune_stability.studies import StudySpec
from tune_stability.trials import TrialConfig

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class AdaptiveState:
    """`known`: configurations with what their completed trials showed. `started`: the trials that some still lack.

    `free`: the indices below the study's number of configurations that no row has, perhaps because a search was
    killed before any trial of theirs ended.
    """

    known: list[tuple[Configuration, Counts]]
    started: list[list[TrialConfig]]
    free: list[int]


def adaptive_state(spec: StudySpec, rows: pd.DataFrame) -> AdaptiveState:
    """The state of the search whose trials `rows` holds, a row per trial. A trial that ended in an error is missing."""
    known: list[tuple[Configuration, Counts]] = []
    started: list[list[TrialConfig]] = []
    for index, of_one in rows.groupby("config_index"):
        first = of_one.iloc[0]
        index = int(of_one["config_index"].to_numpy()[0])
        # Python's own types, which numpy's are not, as a hyperparameter wants them.
        configuration = {name: HYPERPARAMETER_TYPES[name](first[name]) for name in spec.space.names}
        completed = of_one[of_one["status"] == "completed"]
        if len(completed):
            ended = zip(completed["recipe"], completed["outcome"], strict=True)
            known.append((configuration, count_outcomes(ended)))
        ids = set(completed["trial_id"])
        trials = configuration_trials(spec, int(index), configuration, first["source"])
        missing = [trial for trial in trials if trial.trial_id not in ids]
        if missing:
            started.append(missing)
    taken = set(rows["config_index"])
    return AdaptiveState(known, started, [index for index in range(spec.num_configs) if index not in taken])
