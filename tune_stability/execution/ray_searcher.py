"""Feeds Ray Tune with batches, hears how their trials ended, and hands out again what a dead worker left undone."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ray.tune.search import Searcher

from tune_stability.errors import UserError
from tune_stability.execution.executor import OnEnd
from tune_stability.execution.ray_worker import Parcel, WorkerSetup
from tune_stability.execution.worker import Worker
from tune_stability.sampling.sources import Batch, TrialEnd, TrialSource
from tune_stability.store import load_results
from tune_stability.trials import TrialConfig

MAX_WORKER_DEATHS = 3
"""How many deaths of its worker a trial outlives that are not the loss of a machine."""
MAX_MACHINE_LOSSES = 20
"""How many losses of its machine a trial outlives: preemption costs it nothing, but it may be what brings them down."""
MAX_DEATHS_IN_A_ROW = 32
MAX_LOSSES_IN_A_ROW = 1000
"""After so many deaths of workers, or losses of machines, without the end of a trial, something else is wrong."""
_log = logging.getLogger(__name__)


@dataclass
class _Flight:
    """A batch, what of it has ended, and the parcel in which the rest is with a worker."""

    batch: Batch
    ends: dict[str, TrialEnd] = field(default_factory=dict)
    parcel: Parcel = field(default_factory=lambda: Parcel(None))
    started: bool = False
    """Whether a worker has it and runs."""
    said: set[tuple[str, str]] = field(default_factory=set)
    """What its workers logged, and when: Tune repeats results."""

    def left(self) -> tuple[TrialConfig, ...]:
        return tuple(trial for trial in self.batch.trials if trial.trial_id not in self.ends)


class BatchSearcher(Searcher):
    """Tune asks it for what to run next. A Tune trial carries a batch, or what a lost worker left of one.

    `fatal` is the first failure after which no more is handed out, for the executor to raise.
    """

    def __init__(self, first: Batch, source: TrialSource, common: WorkerSetup, on_end: OnEnd) -> None:
        super().__init__()
        self._source, self._common, self._on_end = source, common, on_end
        # What waits for a worker: the first batch, and later those of which one died.
        self._waiting = deque([_Flight(first)])
        self._in_air: dict[str, _Flight] = {}
        # By trial, and whether its machine was lost with the worker.
        self._deaths: Counter[tuple[str, bool]] = Counter()
        # By whether a machine was lost.
        self._in_a_row: Counter[bool] = Counter()
        self.fatal: Exception | None = None

    def suggest(self, trial_id: str) -> Any:
        flight = None
        with self._raised_later():
            flight = None if self.fatal else self._next_flight()
        if flight is None:
            # While batches are in the air one may come back.
            return None if self._in_air else Searcher.FINISHED
        flight.parcel, flight.started = Parcel(replace(flight.batch, trials=flight.left())), False
        self._in_air[trial_id] = flight
        return {"parcel": flight.parcel}

    def worker_started(self, trial_id: str) -> None:
        """Hear that a worker is up and begins with what it was handed out."""
        with self._raised_later():
            self._in_air[trial_id].started = True

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        with self._raised_later():
            self._hear(self._in_air[trial_id], result)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if error:
            # `worker_died` follows, which knows why.
            return
        with self._raised_later():
            flight = self._landed(trial_id)
            self._hear(flight, result or {})
            self._source.batch_ended(flight.batch, list(flight.ends.values()))

    def worker_died(self, trial_id: str, reason: str, machine_lost: bool) -> None:
        """Hand out again what the worker had not done, less a trial in which workers died too often."""
        with self._raised_later():
            flight = self._landed(trial_id)
            self._take_stored(flight)
            left = flight.left()
            # A worker runs its trials in order, so it died in the first that has not ended; or before any of them.
            suspect = left[0] if left and flight.started else None
            extra = {"event": "machine_lost" if machine_lost else "worker_died", "reason": reason, "left": len(left)}
            if suspect is not None:
                extra["trial_id"] = suspect.trial_id
            what = "a machine was lost" if machine_lost else "a worker died"
            _log.warning("%s; %d trials of it are handed out again (%s)", what, len(left), reason, extra=extra)
            self._in_a_row[machine_lost] += 1
            # One machine whose workers die must not end what runs on the others.
            nobody_runs = not any(other.started for other in self._in_air.values())
            too_many = self._in_a_row[False] >= MAX_DEATHS_IN_A_ROW or self._in_a_row[True] >= MAX_LOSSES_IN_A_ROW
            if too_many and nobody_runs:
                raise UserError(
                    f"{self._in_a_row.total()} workers were lost one after the other without ending a trial, the last "
                    f"one because: {reason}; mend that, and run the same command to go on."
                )
            if suspect is not None:
                self._count_death(flight, suspect, reason, machine_lost)
            if flight.left():
                self._waiting.append(flight)
            else:
                self._source.batch_ended(flight.batch, list(flight.ends.values()))

    def has_failed_and_landed(self) -> bool:
        """Whether no more is handed out, and no worker runs what was."""
        return self.fatal is not None and not any(flight.started for flight in self._in_air.values())

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its searcher to restore it one day; here the store is the memory, so nothing is kept.
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the store is the memory."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the store is the memory."""

    def _next_flight(self) -> _Flight | None:
        if self._waiting:
            return self._waiting.popleft()
        batch = self._source.next_batch()
        return None if batch is None else _Flight(batch)

    def _landed(self, trial_id: str) -> _Flight:
        flight = self._in_air.pop(trial_id)
        flight.parcel.batch = None
        return flight

    def _hear(self, flight: _Flight, result: dict[str, Any]) -> None:
        for said in result.get("logged", ()):
            key = said["happened"], said["text"]
            if key not in flight.said:
                flight.said.add(key)
                # At this level it is in the file only: what is away for a hundred workers is a hundred lines.
                _log.info("%s: %s", said["worker"], said["text"], extra=said)
        for one in result.get("ends", ()):
            self._ended(flight, TrialEnd(*one))
        if "fatal" in result:
            self._stop(UserError(result["fatal"]))

    def _ended(self, flight: _Flight, end: TrialEnd) -> None:
        if end.trial_id not in flight.ends:
            self._in_a_row.clear()
            flight.ends[end.trial_id] = end
            self._on_end(end)

    def _take_stored(self, flight: _Flight) -> None:
        """Hear of the trials that the worker stored and could not report any more."""
        left = [trial.trial_id for trial in flight.left()]
        columns = ["trial_id", "recipe", "outcome", "seconds", "status"]
        try:
            rows = load_results(self._common.location, columns=columns, trial_ids=left)
        except UserError as error:
            # A store that is away for the moment is no reason to end the search: what was stored runs once more.
            _log.warning("cannot look for what a lost worker stored: %s", error, extra={"event": "store_away"})
            return
        # A row with an error may be that of an earlier search.
        for row in rows[rows["status"] == "completed"].to_dict("records"):
            self._ended(flight, TrialEnd(row["trial_id"], row["recipe"], row["outcome"], row["seconds"]))

    def _count_death(self, flight: _Flight, suspect: TrialConfig, reason: str, machine_lost: bool) -> None:
        key = suspect.trial_id, machine_lost
        self._deaths[key] += 1
        if self._deaths[key] > (MAX_MACHINE_LOSSES if machine_lost else MAX_WORKER_DEATHS):
            worker = Worker(self._common.study, self._common.location, code=self._common.code)
            self._ended(flight, worker.record_death(suspect, self._deaths[key], reason))

    @contextmanager
    def _raised_later(self) -> Iterator[None]:
        # Tune would swallow an exception of its searcher, or hang; so the first is kept, and the executor raises it.
        try:
            yield
        except Exception as failure:
            self._stop(failure)

    def _stop(self, failure: Exception) -> None:
        self.fatal = self.fatal or failure
        # What waits in Tune for a worker would run all the same, hours of it, so nothing is left in it to run.
        for flight in self._in_air.values():
            if not flight.started and flight.parcel.batch is not None:
                flight.parcel.batch = replace(flight.parcel.batch, trials=())
