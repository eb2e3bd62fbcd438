"""Lets Ray Tune outlive what Ray does to a worker and does not call the death of an actor.

Ray's memory monitor, for one, makes an `OutOfMemoryError` of a worker that it kills. Tune knows errors of an actor and
of a task only, and ends the whole search on any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    # While a worker starts Tune goes on after any error, but keeps only an actor's or a task's for others to read.
    originals = {name: getattr(manager_class, name) for name in ("_actor_task_failed", "_actor_start_failed")}
    for name, original in originals.items():
        setattr(manager_class, name, _told(original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(manager_class, name, original)


def _told(original: Callable[..., None]) -> Callable[..., None]:
    def told(*arguments: Any, exception: Exception, **named: Any) -> None:
        # Tune calls both by names, of which only this one is the same.
        original(*arguments, exception=_as_an_actors(exception), **named)

    return told


def _as_an_actors(exception: Exception) -> Exception:
    if not isinstance(exception, RayError) or isinstance(exception, RayActorError | RayTaskError):
        return exception
    what = f"{type(exception).__name__}: {exception}"
    return WorkerLostError(error_msg=what, preempted=isinstance(exception, NodeDiedError))
