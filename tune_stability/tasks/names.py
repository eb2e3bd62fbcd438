"""Tasks by name."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from tune_stability.data_source import OWN_FILES, DataSource
from tune_stability.errors import UserError, unknown_name
from tune_stability.tasks.catalog import CATALOG, REGRESSIONS

if TYPE_CHECKING:
    from tune_stability.tasks.task import Task

TASK_NAMES = ("grammar", *CATALOG)


def load_task(name: str, data: DataSource | None = None, fingerprint: str = "") -> Task:
    """The task of that name, `file:TRAIN,VALIDATION` among them, from where `data` says.

    Raises `UserError` for a name that is unknown, for data that cannot be learned from or judged, and for data that
    have not the `fingerprint`, if one is given.
    """
    # The loaders import `datasets`, so that naming a task costs nothing.
    from tune_stability.tasks.checked import check_metric

    data = data or DataSource()
    _check_named(name, data)
    if data.metric is not None:
        check_metric(data.metric)
    task = _load(name, data)
    if data.metric is not None:
        task = dataclasses.replace(task, metric=data.metric)
        check_metric(task.metric, task.num_labels)
    if fingerprint and task.fingerprint != fingerprint:
        raise UserError(
            f"the data of the task {name!r} have the fingerprint {task.fingerprint} here, expected {fingerprint}; "
            "put the files back, or give another --out."
        )
    return task


def _check_named(name: str, data: DataSource) -> None:
    own = name.startswith(OWN_FILES)
    if name in REGRESSIONS:
        raise UserError(f"the task {name!r} is a regression and has no classes; take one of {', '.join(TASK_NAMES)}.")
    if not own and name not in TASK_NAMES:
        raise unknown_name("task", name, (*TASK_NAMES, f"{OWN_FILES}TRAIN,VALIDATION"))
    if not own and (data.text_columns or data.label_column):
        raise UserError(
            f"--text-columns and --label-column are for --task {OWN_FILES}TRAIN,VALIDATION, received them with "
            f"{name!r}, whose columns are known; leave them out."
        )
    if data.data_dir is not None and name not in CATALOG:
        raise UserError(
            f"--data-dir is for the tasks {', '.join(CATALOG)}, received {data.data_dir!r} with {name!r}; leave it out."
        )


def _load(name: str, data: DataSource) -> Task:
    if name == "grammar":
        from tune_stability.tasks.grammar import load_grammar

        return load_grammar()
    if name in CATALOG:
        from tune_stability.tasks.published import load_published

        return load_published(name, data.data_dir)
    from tune_stability.tasks.own import load_own

    return load_own(name, data)
