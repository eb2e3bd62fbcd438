"""Run trials in this process, one after the other, without Ray."""

from __future__ import annotations

from tune_stability.execution.executor import OnEnd, Resources
from tune_stability.execution.worker import Worker
from tune_stability.sampling.sources import TrialSource
from tune_stability.store import Location


class LocalExecutor:
    """Everything in sequence, here: for debugging, for tests, and where Ray is not installed."""

    def __init__(self, resources: Resources) -> None:
        self._timeout = resources.trial_timeout

    def run(self, study: str, location: Location, source: TrialSource, on_end: OnEnd) -> None:
        worker = Worker(study, location, timeout=self._timeout)
        while batch := source.next_batch():
            ends = []
            for config in batch.trials:
                if batch.is_over():
                    break
                ends.append(worker.run(config))
                on_end(ends[-1])
            source.batch_ended(batch, ends)
