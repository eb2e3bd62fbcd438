"""Tasks by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tune_stability.errors import unknown_name

if TYPE_CHECKING:
    from tune_stability.tasks.task import Task


def _grammar() -> Task:
    from tune_stability.tasks.grammar import load_grammar

    return load_grammar()


# The loaders import `datasets` only when called, so that naming a task costs nothing.
_LOADERS: dict[str, Callable[[], Task]] = {"grammar": _grammar}
TASK_NAMES = tuple(_LOADERS)


def load_task(name: str) -> Task:
    """The task of that name. Raises `UserError` naming the nearest one."""
    if name not in _LOADERS:
        raise unknown_name("task", name, TASK_NAMES)
    return _LOADERS[name]()
