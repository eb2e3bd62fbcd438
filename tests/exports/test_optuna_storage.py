"""Optuna itself opens the file and finds every trial."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from tune_stability.exports.optuna_storage import write_optuna
from tune_stability.sampling.distributions import distributions

from .conftest import POINTS, SPACE


def opened(path: Path) -> BaseStorage:
    """The storage that optuna-dashboard makes of FILE, or of sqlite:///FILE."""
    if path.suffix == ".db":
        return RDBStorage(f"sqlite:///{path}")
    return JournalStorage(JournalFileBackend(str(path)))


@pytest.mark.parametrize("name", ["study.log", "study.db"])
def test_every_trial_is_found(study, tmp_path: Path, name: str) -> None:
    _, spec, trials = study
    write_optuna(trials, spec, tmp_path / name)
    storage = opened(tmp_path / name)
    assert sorted(s.study_name for s in optuna.get_all_study_summaries(storage)) == ["devlin", "stable"]
    loaded = optuna.load_study(study_name="stable", storage=storage)
    assert loaded.direction == optuna.study.StudyDirection.MAXIMIZE
    assert loaded.user_attrs["model"] == "tiny"
    found = loaded.get_trials()
    rows = trials[trials["recipe"] == "stable"]
    assert [trial.user_attrs["trial_id"] for trial in found] == list(rows["trial_id"])
    assert [trial.params for trial in found] == [SPACE.configuration(point) for point in POINTS for _ in range(2)]
    assert all(trial.distributions == distributions(SPACE) for trial in found)
    assert [trial.state for trial in found] == [TrialState.COMPLETE] * 4 + [TrialState.FAIL] * 2
    assert [trial.value for trial in found] == [0.9, 0.9, 0.1, 0.1, None, None]
    attributes = [tuple(trial.user_attrs[key] for key in ("source", "status", "outcome", "seed")) for trial in found]
    assert attributes == [
        ("design", "completed", "success", 0),
        ("design", "completed", "success", 1),
        ("design", "completed", "failed", 1000),
        ("design", "completed", "failed", 1001),
        ("adaptive", "completed", "failed", 2000),
        ("adaptive", "error", None, 2001),
    ]
    assert found[4].user_attrs["failure_mode"] == "diverged"
    assert (found[0].datetime_complete - found[0].datetime_start).total_seconds() == 1.5
    assert found[0].datetime_start.timestamp() == rows["started_at"].iloc[0].timestamp()
    assert loaded.best_trial.value == 0.9
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()


def test_a_path_is_not_read_as_a_url(study, tmp_path: Path) -> None:
    _, spec, trials = study
    write_optuna(trials.head(2), spec, tmp_path / "a?b=c#%20.db")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a?b=c#%20.db"]
