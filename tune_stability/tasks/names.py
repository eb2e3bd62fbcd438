"""Tasks by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tune_stability.data_source import DataSource
from tune_stability.errors import unknown_name

if TYPE_CHECKING:
    from tune_stability.tasks.task import Task

TASK_NAMES = ("grammar", "cola", "sst2", "mrpc", "qqp", "mnli", "qnli", "rte", "wnli")


def load_task(name: str, data: DataSource | None = None) -> Task:
    """The task of that name, from where `data` says. Raises `UserError` naming the nearest one."""
    # The loaders import `datasets`, so that naming a task costs nothing.
    data = data or DataSource()
    if name not in TASK_NAMES:
        raise unknown_name("task", name, TASK_NAMES)
    if name == "grammar":
        from tune_stability.tasks.grammar import load_grammar

        return load_grammar()
    from tune_stability.tasks.glue import load_glue

    return load_glue(name, data)
