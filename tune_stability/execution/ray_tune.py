"""Run trials on Ray Tune: a thin adapter around the trial contract.

One Tune trial carries one batch. Its actor is reused for the next batch, so libraries are imported, the model
loaded and the data tokenized once a worker. Results reach the store from the worker; Tune's own files are temporary.
"""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any

from tune_stability.errors import UserError
from tune_stability.execution.executor import OnEnd, Resources
from tune_stability.sampling.sources import Batch, TrialEnd, TrialSource
from tune_stability.store import Location

# Read by Ray when it is imported, or by the processes it starts.
_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_DEDUP_LOGS": "1",
    # A trial without a GPU must not see one, or all of them would train on the first.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
for _name, _value in _QUIET.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402
from ray import tune  # noqa: E402
from ray.tune.search import Searcher  # noqa: E402

from tune_stability.execution.ray_logs import StudyLogs  # noqa: E402
from tune_stability.execution.worker import Worker  # noqa: E402

MAX_WORKER_DEATHS = 3
"""How often a batch is started again after its worker died."""
_ANSWER_SECONDS = 10.0


class RayExecutor:
    """Trials in parallel on this machine's cores and GPUs, or on the cluster at `resources.address`."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def run(self, study: str, location: Location, source: TrialSource, on_end: OnEnd) -> None:
        r = self._resources
        searcher = _BatchSearcher(source, study, location, on_end, logs=bool(r.log_to))
        with _connected(r), tempfile.TemporaryDirectory(prefix="tune_stability-") as scratch:
            _check_fits(r)
            logs = StudyLogs(r.log_to, study, location)
            logs.start()
            trainable = tune.with_resources(_TuneWorker, {"cpu": r.cpus_per_trial, "gpu": _gpus(r)})
            tuner = tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    search_alg=searcher,
                    num_samples=-1,
                    reuse_actors=True,
                    max_concurrent_trials=r.max_concurrent,
                ),
                run_config=tune.RunConfig(
                    name="study",
                    storage_path=scratch,
                    callbacks=[logs],
                    verbose=1 if r.verbose else 0,
                    failure_config=tune.FailureConfig(max_failures=MAX_WORKER_DEATHS),
                    # Tune would save a class trainable at its end; there is nothing to save.
                    checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                ),
            )
            tuner.fit()
        logs.tell()
        if searcher.fatal is not None:
            raise searcher.fatal


class _TuneWorker(tune.Trainable):
    """A reused actor. Each step runs one trial of its batch."""

    def setup(self, config: dict[str, Any]) -> None:
        self._stored: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        self._worker = Worker(config["study"], config["location"], self._keep if config["logs"] else None)
        self.reset_config(config)

    def _keep(self, row: dict[str, Any], curve: list[dict[str, Any]]) -> None:
        self._stored.append((row, curve))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._batch: Batch = new_config["batch"]
        self._next = 0
        return True

    def step(self) -> dict[str, Any]:
        if self._batch.is_over():
            return {"done": True}
        try:
            end = self._worker.run(self._batch.trials[self._next])
        except UserError as error:
            # The store cannot be written: the driver stops the search, and starting the batch again would not help.
            return {"fatal": str(error), "done": True}
        self._next += 1
        stored, self._stored = self._stored, []
        # Lists, because Tune flattens dicts.
        return {"end": list(astuple(end)), "stored": stored, "done": self._next == len(self._batch.trials)}


class _BatchSearcher(Searcher):
    """Feeds Tune from a source of batches, and the source from Tune's results."""

    def __init__(self, source: TrialSource, study: str, location: Location, on_end: OnEnd, logs: bool) -> None:
        super().__init__()
        self._logs = logs
        self._source, self._study, self._location, self._on_end = source, study, location, on_end
        self._running: dict[str, Batch] = {}
        self.fatal: Exception | None = None
        self._ends: dict[str, dict[str, TrialEnd]] = {}

    def suggest(self, trial_id: str) -> Any:
        batch = None
        with self._raised_later():
            batch = None if self.fatal else self._source.next_batch()
        if batch is None:
            return Searcher.FINISHED
        self._running[trial_id] = batch
        self._ends[trial_id] = {}
        return {"batch": batch, "study": self._study, "location": self._location, "logs": self._logs}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        with self._raised_later():
            self._hear(trial_id, result)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        with self._raised_later():
            if result is not None:
                self._hear(trial_id, result)
            batch, ends = self._running.pop(trial_id), self._ends.pop(trial_id)
            if error:
                self._record_deaths(batch, ends)
            self._source.batch_ended(batch, list(ends.values()))

    @contextmanager
    def _raised_later(self) -> Iterator[None]:
        # Tune would swallow an exception of its searcher, or hang; so the first is kept, and `run` raises it.
        try:
            yield
        except Exception as failure:
            self.fatal = self.fatal or failure

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its searcher to restore it one day; here the store is the memory, so nothing is kept.
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the store is the memory."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the store is the memory."""

    def _hear(self, trial_id: str, result: dict[str, Any]) -> None:
        if "fatal" in result:
            self.fatal = UserError(result["fatal"])
        if "end" not in result:
            return
        end = TrialEnd(*result["end"])
        # Tune repeats the last result when a trial completes, and a batch started again repeats its first trials.
        if end.trial_id not in self._ends[trial_id]:
            self._ends[trial_id][end.trial_id] = end
            self._on_end(end)

    def _record_deaths(self, batch: Batch, ends: dict[str, TrialEnd]) -> None:
        worker = Worker(self._study, self._location)
        for config in batch.trials:
            if config.trial_id not in ends:
                end = worker.record_death(config, MAX_WORKER_DEATHS + 1)
                ends[end.trial_id] = end
                self._on_end(end)


@contextmanager
def _connected(r: Resources) -> Iterator[None]:
    # Without an address Ray would join a cluster that it finds.
    options: dict[str, Any] = {"address": "local", "log_to_driver": r.verbose, "include_dashboard": False}
    if r.address is not None:
        _check_answers(r.address)
        options = {"address": r.address, "log_to_driver": r.verbose}
    if not r.verbose:
        options["logging_level"] = logging.ERROR
        logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        ray.init(**options)
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise _no_cluster(r.address, error) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raise `UserError` if nothing listens at HOST:PORT; Ray itself takes many minutes to give up."""
    if address in ("auto", "local"):
        return
    if "://" in address:
        raise UserError(f"--address takes HOST:PORT of the cluster's head or auto, received {address!r}.")
    host, _, port = address.rpartition(":")
    # Ray reads the names of this machine as its address in the network.
    hosts = [host, ray.util.get_node_ip_address()] if host in ("localhost", "127.0.0.1") else [host.strip("[]")]
    failure: Exception = ValueError("it is not HOST:PORT")
    for name in hosts if host and port.isdigit() else []:
        try:
            socket.create_connection((name, int(port)), timeout=_ANSWER_SECONDS).close()
            return
        except (OSError, OverflowError, UnicodeError) as error:
            failure = error
    raise _no_cluster(address, failure)


def _no_cluster(address: str | None, error: Exception) -> UserError:
    where = "this machine" if address is None else repr(address)
    return UserError(
        f"no Ray cluster answers at {where} ({' '.join(str(error).split()) or type(error).__name__}); start one with "
        "`ray start --head`, give its HOST:PORT (with RAY_AUTH_MODE=token in the environment if it asks for a token), "
        "or leave out --address to run on this machine."
    )


def _gpus(r: Resources) -> float:
    if r.gpus_per_trial is not None:
        return r.gpus_per_trial
    return 1.0 if ray.cluster_resources().get("GPU", 0) >= 1 else 0.0


def _check_fits(r: Resources) -> None:
    cpus, gpus = r.cpus_per_trial, _gpus(r)
    if gpus > 1 and gpus != int(gpus):
        raise UserError(f"--gpus-per-trial must be a share of one GPU or a whole number of them, received {gpus:g}.")
    # A trial runs on one machine, so the sum over the cluster says nothing.
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(cpus <= m.get("CPU", 0) and gpus <= m.get("GPU", 0) for m in machines):
        largest = max(((m.get("CPU", 0), m.get("GPU", 0)) for m in machines), default=(0, 0))
        raise UserError(
            f"a trial asks for {cpus:g} CPU and {gpus:g} GPU and no machine of the cluster has both, the largest has "
            f"{largest[0]:g} and {largest[1]:g}; ask for less with --cpus-per-trial or --gpus-per-trial."
        )
