"""What a worker does with one trial, wherever it runs: train, make a row of it, write it to the store."""

from __future__ import annotations

import dataclasses
import logging
import os
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tune_stability.errors import StoreError
from tune_stability.execution.timeouts import TrialTimeout, stop_process_after, time_limit
from tune_stability.execution.trainable import load_trainable
from tune_stability.sampling.sources import TrialEnd
from tune_stability.store import (
    Location,
    Provenance,
    StoredCheckpoint,
    Table,
    completed_row,
    current_provenance,
    curve_rows,
    error_row,
    gradient_rows,
    trial_files,
    write_files,
)
from tune_stability.trials import TrialConfig, TrialResult

_log = logging.getLogger(__name__)
OnStored = Callable[[dict[str, Any], list[dict[str, Any]]], None]


class Worker:
    """Runs trials of one study in sequence. Long-lived: what a trainable caches serves all its trials.

    `on_stored` hears the row of every trial that was stored, and the rows of its curve. A trial that runs for longer
    than `timeout` seconds is an error; if it cannot be interrupted and `may_stop`, this process ends. `code` is whose
    version and commit the rows have, by default this process's own.
    """

    def __init__(
        self,
        study: str,
        location: Location,
        on_stored: OnStored | None = None,
        timeout: float | None = None,
        code: Provenance | None = None,
        may_stop: bool = False,
    ) -> None:
        self._study, self._location, self._on_stored, self._timeout = study, location, on_stored, timeout
        self._stop_after = timeout if may_stop else None
        self._provenance = current_provenance()
        if code is not None:
            self._provenance = dataclasses.replace(
                self._provenance, tune_stability_version=code.tune_stability_version, git_commit=code.git_commit
            )
        self.host = socket.gethostname()
        self.name = f"{self.host}:{os.getpid()}"

    def run(self, config: TrialConfig) -> TrialEnd:
        """Run one trial and store it. An exception of the trainable is a row with its traceback, not an exception."""
        started_at, started = datetime.now(UTC), time.perf_counter()
        checkpoint = StoredCheckpoint(self._location, config.trial_id)
        if config.checkpoint_every:
            config = dataclasses.replace(config, checkpoint_file=checkpoint)
        try:
            # Neither runs on while the result is stored, which may take a while and is worth it.
            with stop_process_after(self._stop_after), time_limit(self._timeout):
                result = load_trainable(config.trainable)(config)
            if not isinstance(result, TrialResult):
                raise TypeError(f"{config.trainable} must return a TrialResult, received {result!r:.80}")
            row = completed_row(self._study, config, result, self._provenance, started_at)
            curve = curve_rows(config.trial_id, result)
            files = trial_files(row, curve, gradient_rows(config.trial_id, result))
        except StoreError:
            # Of a checkpoint: no fault of the trial's.
            raise
        except (Exception, TrialTimeout) as error:  # whatever a trainable raises is data about the trial, kept as a row
            brief = f"{type(error).__name__}: {error}".splitlines()[0]
            return self._crashed(config, traceback.format_exc(), brief, started_at, time.perf_counter() - started)
        self._store(row, curve, files)
        seconds = time.perf_counter() - started
        if config.checkpoint_every:
            _forget(checkpoint)
        return TrialEnd(config.trial_id, config.recipe, row["outcome"], seconds, worker=self.name)

    def record_death(self, config: TrialConfig, attempts: int, reason: str) -> TrialEnd:
        """Store that the worker which ran a trial died, each time it was tried, the last time for that reason."""
        brief = f"the worker died {attempts} times while it ran this trial"
        return self._crashed(config, f"{brief}; the last time: {reason}", brief, datetime.now(UTC), 0.0)

    def _crashed(self, config: TrialConfig, text: str, brief: str, started_at: datetime, seconds: float) -> TrialEnd:
        row = error_row(self._study, config, text, self._provenance, started_at, seconds)
        self._store(row, [], trial_files(row))
        return TrialEnd(config.trial_id, config.recipe, None, seconds, brief, self.name)

    def _store(self, row: dict[str, Any], curve: list[dict[str, Any]], files: Sequence[tuple[Table, bytes]]) -> None:
        write_files(self._location, row["trial_id"], files)
        if self._on_stored is not None:
            self._on_stored(row, curve)


def _forget(checkpoint: StoredCheckpoint) -> None:
    try:
        checkpoint.delete()
    except OSError as error:
        # The trial is stored, and compacting the study deletes the file.
        extra = {"event": "checkpoint_left", "trial_id": checkpoint.trial_id}
        _log.warning("could not delete its checkpoint (%s)", " ".join(str(error).split()), extra=extra)
