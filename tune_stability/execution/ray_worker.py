"""What Ray Tune runs: an actor that is used again for batch after batch, and runs the trials of each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any

from ray import tune

from tune_stability.errors import UserError
from tune_stability.execution.trainable import load_trainable, sharing_of
from tune_stability.execution.worker import Worker
from tune_stability.sampling.sources import Batch
from tune_stability.store import Location, Provenance

MOUNT_SECONDS = 20.0
REPORT_SECONDS = 0.5
"""How often a worker reports trials that end faster. Each is in the store as soon as it ends."""


@dataclass(frozen=True)
class WorkerSetup:
    """What all workers of a search are told."""

    study: str
    location: Location
    code: Provenance
    """Of the search that sent it: a worker may have the package without its metadata."""
    trial_timeout: float | None
    trainable: str
    with_rows: bool
    """Whether to report rows and curves too, for the tools that a search logs to."""


class Parcel:
    """A batch on its way to a worker, opaque to Tune, which copies and prints what it can see of a configuration.

    The driver empties it when the batch has ended, since Tune keeps every configuration for good.
    """

    def __init__(self, batch: Batch | None) -> None:
        self.batch = batch

    def __deepcopy__(self, memo: dict[int, Any]) -> Parcel:
        return self

    def __repr__(self) -> str:
        return "batch" if self.batch is None else f"batch {self.batch.key}"


class TuneWorker(tune.Trainable):
    """Runs one batch at a time; `config` has its `Parcel` as "parcel". A step runs trials for `REPORT_SECONDS`."""

    # `tune.with_parameters` gives what Trainable's own `setup` does not take.
    def setup(  # type: ignore[override]
        self, config: dict[str, Any], common: WorkerSetup, packed: object = None
    ) -> None:
        """Get ready. `packed` is what the trainable's `Sharing` packed, in the memory that all workers here share."""
        self._rows: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        keep: Callable[..., None] | None = self._keep if common.with_rows else None
        self._worker = Worker(common.study, common.location, keep, common.trial_timeout, common.code, True)
        self._log = _Kept(self._worker.name)
        logging.getLogger("tune_stability").addHandler(self._log)
        # Checked here, because a folder of the search's own machine would be made anew on each machine.
        self._reaches_store = _is_there_soon(common.location)
        self.reset_config(config)
        # A machine that cannot import it has no worker, rather than one that makes errors of the trials in no time.
        load_trainable(common.trainable)
        sharing = sharing_of(common.trainable) if packed is not None else None
        if sharing is not None:
            sharing.adopt(packed)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        batch = new_config["parcel"].batch
        assert batch is not None, "a parcel is emptied only when its batch has ended"
        self._batch: Batch = batch
        self._next = 0
        return True

    def step(self) -> dict[str, Any]:
        if not self._reaches_store:
            return {"fatal": f"the worker on {self._worker.host} {_NO_STORE}", "done": True}
        started = time.monotonic()
        ends: list[tuple[Any, ...]] = []
        # A whole step without a trial would tell Tune nothing.
        while not self._is_over() and (not ends or time.monotonic() - started < REPORT_SECONDS):
            trial = self._batch.trials[self._next]
            try:
                end = self._worker.run(trial)
            except UserError as error:
                # The store cannot be written: the search stops, and starting the batch again would not help.
                return {
                    "ends": ends,
                    "stored": self._taken(),
                    "logged": self._log.taken(),
                    "fatal": str(error),
                    "done": True,
                }
            ends.append(astuple(end))
            self._next += 1
        # Lists, because Tune flattens dicts.
        return {"ends": ends, "stored": self._taken(), "logged": self._log.taken(), "done": self._is_over()}

    def cleanup(self) -> None:
        logging.getLogger("tune_stability").removeHandler(self._log)

    def _is_over(self) -> bool:
        return self._next == len(self._batch.trials) or self._batch.is_over()

    def _keep(self, row: dict[str, Any], curve: list[dict[str, Any]]) -> None:
        self._rows.append((row, curve))

    def _taken(self) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        taken, self._rows = self._rows, []
        return taken


def _is_there_soon(location: Location) -> bool:
    """Whether a worker sees the study; a machine that has just started may not have mounted its folder yet."""
    end = time.monotonic() + MOUNT_SECONDS
    while not location.exists(location.study_file):
        if time.monotonic() > end:
            return False
        time.sleep(1)
    return True


class _Kept(logging.Handler):
    """Keeps what is logged on a worker, such as that the store is away, for the log of the search."""

    def __init__(self, worker: str) -> None:
        super().__init__(logging.WARNING)
        self._worker = worker
        self._kept: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        own = vars(record)
        happened = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {name: own[name] for name in ("event", "trial_id") if name in own}
        self._kept.append({"text": record.getMessage(), "worker": self._worker, "happened": happened, **fields})

    def taken(self) -> list[dict[str, Any]]:
        """What was logged since it was last asked; `happened` is when."""
        taken, self._kept = self._kept, []
        return taken


_NO_STORE = (
    "does not find the study's folder; give as --out a URL (s3://, gs://) or a folder that all machines of the cluster "
    "share under the same path."
)
