"""An Optuna storage in one file, which optuna-dashboard opens: `optuna-dashboard FILE`, or `sqlite:///FILE`."""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from tune_stability.exports.cells import Row, configuration, labels, plain, rows_of
from tune_stability.sampling.distributions import distributions

if TYPE_CHECKING:
    import pandas as pd

    from tune_stability.studies import StudySpec


_SQLITE = (".db", ".sqlite", ".sqlite3")


def write_optuna(trials: pd.DataFrame, spec: StudySpec, path: Path) -> None:
    """An Optuna study for each arm of `trials`, named by its recipe, with a trial of Optuna's for each trial.

    The file is a SQLite database if its name ends like one, which takes 50 ms a trial, and else Optuna's journal, which
    takes 5 ms. Parameters are the configuration, with the space as their distributions, and the value is the score. A
    run that diverged has no score, and a crash has no result: both have the state FAIL, and the user attributes
    `status`, `outcome` and `failure_mode` say which. The attribute `source` tells design and adaptive trials apart.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = distributions(spec.space)
    with _storage(path) as storage:
        for recipe, rows in trials.groupby("recipe", sort=False):
            study = optuna.create_study(storage=storage, study_name=str(recipe), direction="maximize")
            for name in ("name", "model", "model_revision", "task", "sampler"):
                study.set_user_attr("study" if name == "name" else name, getattr(spec, name))
            study.add_trials([_trial(row, spec, space) for row in rows_of(rows)])


@contextlib.contextmanager
def _storage(path: Path) -> Iterator[BaseStorage]:
    if path.suffix not in _SQLITE:
        yield JournalStorage(JournalFileBackend(str(path)))
        return
    # A path may have any characters, and in a URL some of them have a meaning.
    storage = RDBStorage("sqlite://", engine_kwargs={"creator": lambda: sqlite3.connect(path)})
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _trial(row: Row, spec: StudySpec, space: dict[str, BaseDistribution]) -> FrozenTrial:
    score = plain(row["score"])
    trial = optuna.trial.create_trial(
        state=TrialState.FAIL if score is None else TrialState.COMPLETE,
        value=score,
        params=configuration(row, spec.space),
        distributions=space,
        user_attrs=labels(row),
    )
    # Optuna has local time without a zone.
    start = row["started_at"].to_pydatetime().astimezone().replace(tzinfo=None)
    trial.datetime_start = start
    trial.datetime_complete = start + datetime.timedelta(seconds=float(row["seconds"]))
    return trial
