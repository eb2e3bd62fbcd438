"""Which of the batches that wait goes to a worker that has become free."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler


class NewestFirst(FIFOScheduler):
    """The newest batch goes to a free worker, so that the oldest keep the workers that are being started for them.

    By Tune's own choice the oldest goes there, and the worker that was started for it is stopped again. Where batches
    end faster than workers start, a machine that joins a running search would then never get one.
    """

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        pending = (trial for trial in reversed(tune_controller.get_trials()) if trial.status == Trial.PENDING)
        return next(pending, None)
