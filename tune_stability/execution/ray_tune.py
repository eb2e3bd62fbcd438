"""Run trials on Ray Tune: a thin adapter around the trial contract.

One Tune trial carries one batch. Its actor is reused for the next batch, so libraries are imported, the model
loaded and the data tokenized once a worker. Results reach the store from the worker; Tune's own files are temporary.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tune_stability.errors import UserError
from tune_stability.execution.executor import OnEnd, Resources
from tune_stability.sampling.sources import Batch, TrialSource
from tune_stability.store import Location, Provenance, current_provenance

# Read by Ray when it is imported, or by the processes it starts.
_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_DEDUP_LOGS": "1",
    # A trial without a GPU must not see one, or all of them would train on the first.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # Else Tune would start a batch again by itself after a preemption, also what of it is stored.
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
for _name, _value in _QUIET.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402
from ray import tune  # noqa: E402

from tune_stability.execution.ray_client import run_through_client  # noqa: E402
from tune_stability.execution.ray_connection import CLIENT, check_fits, connected, gpus_per_trial  # noqa: E402
from tune_stability.execution.ray_errors import every_death_is_an_actors  # noqa: E402
from tune_stability.execution.ray_logs import StudyLogs  # noqa: E402
from tune_stability.execution.ray_scheduler import NewestFirst  # noqa: E402
from tune_stability.execution.ray_searcher import BatchSearcher  # noqa: E402
from tune_stability.execution.ray_stopper import AfterFailure  # noqa: E402
from tune_stability.execution.ray_watch import Watch  # noqa: E402
from tune_stability.execution.ray_worker import TuneWorker, WorkerSetup  # noqa: E402
from tune_stability.execution.trainable import sharing_of  # noqa: E402


class RayExecutor:
    """Trials in parallel on this machine's cores and GPUs, or on the cluster at `resources.address`."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def run(self, study: str, location: Location, source: TrialSource, on_end: OnEnd) -> None:
        first = source.next_batch()
        if first is None:
            return
        r = self._resources
        through_client = r.address is not None and r.address.startswith(CLIENT)
        if through_client and r.log_to:
            raise UserError(
                f"--log-to {r.log_to[0]} needs a search that runs on a machine of the cluster, received --address "
                f"{r.address}; start it there, with `ray job submit` for one, or leave out --log-to."
            )
        with connected(r, first.trials[0].trainable):
            if through_client:
                run_through_client(r, study, location, first, source, on_end)
            else:
                run_on_tune(r, current_provenance(), study, location, first, source, on_end)


def run_on_tune(
    r: Resources,
    code: Provenance,
    study: str,
    location: Location,
    first: Batch,
    source: TrialSource,
    on_end: OnEnd,
) -> None:
    """Run that first batch and the rest of a source on the cluster that this process is part of.

    `code` is the version that the rows are to name.
    """
    logs = StudyLogs(r.log_to, study, location)
    check_fits(r)
    logs.start()
    name = first.trials[0].trainable
    sharing = sharing_of(name)
    common = WorkerSetup(study, location, code, r.trial_timeout, name, with_rows=bool(r.log_to))
    searcher = BatchSearcher(first, source, common, on_end)
    trainable = tune.with_parameters(
        TuneWorker, common=common, packed=None if sharing is None else sharing.pack(first.trials[0])
    )
    with tempfile.TemporaryDirectory(prefix="tune_stability-") as scratch:
        tuner = tune.Tuner(
            tune.with_resources(trainable, {"cpu": r.cpus_per_trial, "gpu": gpus_per_trial(r)}),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=NewestFirst(),
                num_samples=-1,
                reuse_actors=True,
                max_concurrent_trials=r.max_concurrent,
            ),
            run_config=tune.RunConfig(
                name="study",
                storage_path=scratch,
                stop=AfterFailure(searcher),
                callbacks=[Watch(searcher), logs],
                verbose=1 if r.verbose else 0,
                # The searcher hands out again what a worker left undone.
                failure_config=tune.FailureConfig(max_failures=0),
                # Tune would save a class trainable at its end; there is nothing to save.
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        with _waiting(r), every_death_is_an_actors():
            tuner.fit()
    logs.tell()
    if searcher.fatal is not None:
        raise searcher.fatal


@contextmanager
def _waiting(r: Resources) -> Iterator[None]:
    # On this machine nothing grows, so twice as many as can start at once are enough for none to be stopped.
    at_once = max(1, int(ray.cluster_resources().get("CPU", 1) / r.cpus_per_trial))
    name = "TUNE_MAX_PENDING_TRIALS_PG"
    given = os.environ.get(name)
    os.environ[name] = given or str(r.lookahead if r.address else min(r.lookahead, 2 * at_once))
    try:
        yield
    finally:
        if given is None:
            del os.environ[name]
