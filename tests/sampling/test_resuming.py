from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pandas as pd

from tune_stability.axes import ChoiceAxis
from tune_stability.recipes import DEVLIN
from tune_stability.sampling.enumeration import configuration_trials, design_configurations
from tune_stability.sampling.optuna_samplers import AskTell
from tune_stability.sampling.resuming import adaptive_state
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.studies import StudySpec
from tune_stability.trials import TrialConfig

WIDE = get_space("wide", 2e-5)
CONFIGURATIONS = {
    0: {"learning_rate": 1e-5, "warmup_ratio": 0.1, "num_epochs": 3},
    1: {"learning_rate": 3.3e-4, "warmup_ratio": 0.25, "num_epochs": 20},
}


def rows(spec: StudySpec, outcomes: Mapping[int, str]) -> pd.DataFrame:
    """Rows of the first trials of each configuration: s for success, f for failed, e for an error, - for no row."""
    found = []
    for index, letters in outcomes.items():
        source = "design" if index in design_configurations(spec) else "adaptive"
        trials = configuration_trials(spec, index, CONFIGURATIONS[index % 2], source)
        found += [row(trial, letter) for trial, letter in zip(trials, letters, strict=False) if letter != "-"]
    return pd.DataFrame(found)


def row(trial: TrialConfig, letter: str) -> dict[str, object]:
    hyperparameters = trial.hyperparameters
    return {
        "trial_id": trial.trial_id,
        "config_index": trial.config_index,
        "source": trial.source,
        "recipe": trial.recipe,
        "status": "error" if letter == "e" else "completed",
        "outcome": {"s": "success", "f": "failed", "e": None}[letter],
        "learning_rate": hyperparameters.learning_rate,
        "warmup_ratio": hyperparameters.warmup_ratio,
        "num_epochs": hyperparameters.num_epochs,
    }


def test_complete_configurations_are_known_and_nothing_of_them_is_missing(make_spec) -> None:
    spec = make_spec(sampler="tpe", num_configs=4, num_seeds=2)
    state = adaptive_state(spec, rows(spec, {0: "ssfs", 1: "ffff"}))
    assert state.known == [
        (CONFIGURATIONS[0], {"devlin": (1, 2), "stable": (2, 2)}),
        (CONFIGURATIONS[1], {"devlin": (0, 2), "stable": (0, 2)}),
    ]
    assert state.started == []
    assert state.free == [2, 3]
    # As Optuna wants them: whole numbers as such, not numpy's.
    assert [type(value) for value in state.known[0][0].values()] == [float, float, int]


def test_a_partial_configuration_lacks_the_rest_of_its_trials(make_spec) -> None:
    spec = make_spec(sampler="tpe", num_configs=2, num_seeds=2)
    state = adaptive_state(spec, rows(spec, {0: "s-f", 1: "ssss"}))
    expected = configuration_trials(spec, 0, CONFIGURATIONS[0], "adaptive")
    assert state.known == [
        (CONFIGURATIONS[0], {"devlin": (1, 2)}),
        (CONFIGURATIONS[1], {"devlin": (2, 2), "stable": (2, 2)}),
    ]
    assert state.started == [[expected[1], expected[3]]]
    assert state.free == []


def test_an_error_has_no_part_in_the_score_and_is_run_again(make_spec) -> None:
    spec = make_spec(sampler="tpe", num_configs=2, num_seeds=2)
    state = adaptive_state(spec, rows(spec, {0: "sefs", 1: "eeee"}))
    zero, one = (configuration_trials(spec, index, CONFIGURATIONS[index], "adaptive") for index in (0, 1))
    assert [counts for _, counts in state.known] == [{"devlin": (1, 2), "stable": (1, 1)}]
    assert state.started == [[zero[1]], one]
    assert state.free == []


def test_more_seeds_reopen_every_configuration(make_spec) -> None:
    before, after = (make_spec(sampler="tpe", num_configs=2, num_seeds=n) for n in (1, 2))
    state = adaptive_state(after, rows(before, {0: "ss", 1: "ff"}))
    assert [len(trials) for trials in state.started] == [2, 2]
    assert {trial.seed for trials in state.started for trial in trials} == {1, 1001}


def test_an_index_whose_trials_were_all_lost_is_free_again(make_spec) -> None:
    # Two workers had 0 and 1, a third 2 and 3; the search was killed before any trial of 0 or 2 had ended.
    spec = make_spec(sampler="tpe", num_configs=5, num_seeds=2)
    assert adaptive_state(spec, rows(spec, {1: "ssss", 3: "ffff"})).free == [0, 2, 4]


def test_choices_come_back_as_what_they_were(make_spec) -> None:
    choices = {"lr_scheduler_type": ("linear", "cosine"), "bias_correction": (True, False), "batch_size": (8, 16)}
    space = SearchSpace("c", (*WIDE.axes, *(ChoiceAxis(name, of) for name, of in choices.items())))
    spec = make_spec(sampler="tpe", num_configs=1, num_seeds=1, space=space, recipes=(DEVLIN,))
    wanted = {**CONFIGURATIONS[0], "lr_scheduler_type": "cosine", "bias_correction": False, "batch_size": 16}
    (trial,) = configuration_trials(spec, 0, wanted, "adaptive")
    frame = pd.DataFrame([{**row(trial, "s"), **dataclasses.asdict(trial.hyperparameters)}])
    ((known, counts),) = adaptive_state(spec, frame).known
    assert (known, counts) == (wanted, {"devlin": (1, 1)})
    assert {name: type(value) for name, value in known.items()} == {name: type(v) for name, v in wanted.items()}
    # And Optuna takes them.
    assert tuple(AskTell(space, "tpe", 0, [(known, counts)]).propose(1)) == space.names


def test_a_study_without_rows_knows_nothing(make_spec) -> None:
    spec = make_spec(sampler="tpe", num_configs=3)
    state = adaptive_state(spec, pd.DataFrame(columns=["trial_id", "config_index", "source", "status", "outcome"]))
    assert (state.known, state.started, state.free) == ([], [], [0, 1, 2])
