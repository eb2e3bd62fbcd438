"""Where a task's data are found and how its columns are read: what a worker needs to load what a study names."""

from __future__ import annotations

import os.path
from dataclasses import dataclass

from tune_stability.errors import UserError

OWN_FILES = "file:"
"""What the name of a task made of one's own files begins with: `file:TRAIN,VALIDATION`."""


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """How to load a task. It says where, not what: the task's fingerprint tells whether the data are the same.

    Its paths are absolute, because a worker may run in another folder.
    """

    data_dir: str | None = None
    """Folder laid out like `nyu-mll/glue` on the hub, a folder for each task; None for the hub itself."""
    files: tuple[str, ...] = ()
    """The training and the validation file of a task of one's own; empty for a task that has a name."""
    text_columns: tuple[str, ...] = ()
    """The one or two columns of text; empty for those that are usual for the task."""
    label_column: str | None = None
    """The column of labels; None for the one that is usual for the task."""
    metric: str | None = None
    """The metric that judges the task; None for the one that is usual for it."""


def absolute(path: str) -> str:
    """`path` from the root of the file system, `~` being the home folder."""
    return os.path.abspath(os.path.expanduser(path))


def own_files(task: str) -> tuple[str, ...]:
    """Absolute paths of the two files that `file:TRAIN,VALIDATION` names; none for any other task.

    Raises `UserError` if there are not two.
    """
    if not task.startswith(OWN_FILES):
        return ()
    files = [name.strip() for name in task.removeprefix(OWN_FILES).split(",")]
    if len(files) != 2 or not all(files):
        raise UserError(
            f"--task {OWN_FILES}TRAIN,VALIDATION takes two files, received {task!r}; "
            "give the training file, a comma, and the validation file."
        )
    return tuple(absolute(name) for name in files)


def task_name(task: str) -> str:
    """The task as rows and ids have it: where one's own files lie is no part of what they hold."""
    files = own_files(task)
    return OWN_FILES + ",".join(os.path.basename(name) for name in files) if files else task
