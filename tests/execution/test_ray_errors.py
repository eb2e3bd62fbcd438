"""What Tune is shown of an error that Ray makes of a worker. No Ray runs here."""

from __future__ import annotations

import pytest
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import NodeDiedError, OutOfMemoryError, RayActorError, RayTaskError, RuntimeEnvSetupError
from ray.tune.experiment import Trial

from tune_stability.execution.ray_errors import WorkerLostError, every_death_is_an_actors

TASK = RayTaskError("step", "traceback", ValueError("no"))
METHODS = ("_actor_task_failed", "_actor_start_failed")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("error", "shown", "preempted"),
    [
        (OutOfMemoryError("low on memory"), "OutOfMemoryError: ", False),
        (NodeDiedError("gone"), "NodeDiedError: ", True),
        (RuntimeEnvSetupError("no space"), "RuntimeEnvSetupError: ", False),
        (RayActorError(error_msg="died"), None, False),
        (TASK, None, False),
        (ValueError("of nobody's"), None, False),
    ],
)
def test_tune_is_shown_an_actors_error(
    method: str, error: Exception, shown: str | None, preempted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Exception] = []
    monkeypatch.setattr(RayActorManager, method, lambda manager, *, tracked, exception: heard.append(exception))
    with every_death_is_an_actors():
        getattr(RayActorManager, method)(None, tracked=None, exception=error)
    (told,) = heard
    if shown is None:
        assert told is error
    else:
        assert isinstance(told, WorkerLostError)
        assert str(told).startswith(shown)
        assert told.preempted == preempted


def test_tune_is_left_as_it_was() -> None:
    before = [getattr(RayActorManager, name) for name in METHODS]
    with pytest.raises(KeyError), every_death_is_an_actors():
        raise KeyError
    assert [getattr(RayActorManager, name) for name in METHODS] == before


def test_tune_does_not_start_a_batch_again_by_itself_after_a_preemption() -> None:
    import tune_stability.execution.ray_tune  # noqa: F401 - for what it tells Ray

    trial = Trial("x", stub=True, max_failures=0)
    trial._handle_ray_actor_error(WorkerLostError(error_msg="gone", preempted=True))
    assert not trial.should_recover()
