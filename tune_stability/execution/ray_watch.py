"""Hears from Ray Tune of workers that died, and from Ray of machines that come and go."""

from __future__ import annotations

import logging
import pickle
import time
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayActorError
from ray.tune import Callback

from tune_stability.execution.ray_errors import WorkerLostError
from tune_stability.execution.ray_searcher import BatchSearcher

LOOK_SECONDS = 5.0
_log = logging.getLogger(__name__)


class Watch(Callback):
    """Tells the searcher why a worker died, and the log which machines joined or left the cluster."""

    def __init__(self, searcher: BatchSearcher) -> None:
        self._searcher = searcher
        self._machines = _machines()
        self._looked = time.monotonic()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._searcher.worker_started(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        error = _error_of(trial)
        self._searcher.worker_died(trial.trial_id, _reason(error), _is_machine_lost(error))

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked, before, self._machines = time.monotonic(), self._machines, _machines()
        for machine in sorted(self._machines - before):
            _log.info("machine %s joined, %d now", machine, len(self._machines), extra={"event": "machine_joined"})
        for machine in sorted(before - self._machines):
            _log.warning("machine %s left, %d now", machine, len(self._machines), extra={"event": "machine_left"})


def _machines() -> set[str]:
    """Address and start of Ray on it, for each machine that is alive."""
    alive = [node for node in ray.nodes() if node["Alive"]]
    return {f"{node['NodeManagerAddress']} ({node['NodeID'][:8]})" for node in alive}


def _error_of(trial: Any) -> Exception | None:
    # A Tune trial tells of its error only through a file, which this process wrote a moment ago.
    if trial.pickled_error_file is None:
        return None
    with open(trial.pickled_error_file, "rb") as file:
        error: Exception = pickle.load(file)
    return error


def _reason(error: Exception | None) -> str:
    if error is None:
        return "unknown"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    if isinstance(error, WorkerLostError):
        return lines[0][:300]
    # Of an actor's death Ray tells first the general and then the particular, a fact a line; and then it guesses.
    fact = lines[-1].partition(" Some common causes")[0].rpartition("Worker exit detail: ")[2]
    return f"{type(error).__name__}: {fact}"[:300]


def _is_machine_lost(error: Exception | None) -> bool:
    # Of a machine that goes without a word Ray first hears that its workers do not answer.
    if isinstance(error, ActorUnavailableError):
        return True
    return isinstance(error, RayActorError) and (error.preempted or "node has died" in str(error))
