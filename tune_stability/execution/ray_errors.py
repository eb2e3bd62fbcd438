"""Lets Ray Tune outlive what Ray does to a worker and does not call the death of an actor.

Ray's memory monitor, for one, makes an `OutOfMemoryError` of a worker that it kills. Tune knows errors of an actor and
of a task only, and ends the whole search on any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import NodeDiedError, RayActorError, RayError, RayTaskError


class WorkerLostError(RayActorError):
    """The death of a worker that Ray told in another way; its message begins with the name of Ray's own error."""


@contextmanager
def every_death_is_an_actors() -> Iterator[None]:
    """Show Tune each error of Ray's that is of no task as one of the actor."""
    manager_class: Any = RayActorManager
    original = manager_class._actor_task_failed

    def told(manager: RayActorManager, tracked_actor_task: Any, exception: Exception) -> None:
        if isinstance(exception, RayError) and not isinstance(exception, RayActorError | RayTaskError):
            what = f"{type(exception).__name__}: {exception}"
            exception = WorkerLostError(error_msg=what, preempted=isinstance(exception, NodeDiedError))
        original(manager, tracked_actor_task, exception)

    manager_class._actor_task_failed = told
    try:
        yield
    finally:
        manager_class._actor_task_failed = original
