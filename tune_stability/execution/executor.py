"""The one interface behind which trials run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tune_stability.sampling.sources import TrialEnd, TrialSource
from tune_stability.store import Location

OnEnd = Callable[[TrialEnd], None]


@dataclass(frozen=True)
class Resources:
    """What a trial gets, and at most how many run at once.

    None stands for what is there: a GPU a trial if there are any, as many trials at once as there are resources for.
    `lookahead` is how many batches may wait for a worker: on a cluster they show an autoscaler that there is work for
    more machines, and a sampler that looks at results had better wait itself. `trial_timeout` is how long a trial may
    run, in seconds. `log_to` names tools of `LOG_TOOLS`.
    """

    cpus_per_trial: float = 1.0
    gpus_per_trial: float | None = None
    max_concurrent: int | None = None
    address: str | None = None
    lookahead: int = 64
    trial_timeout: float | None = None
    verbose: bool = False
    log_to: tuple[str, ...] = ()


class Executor(Protocol):
    """Runs every batch of a source and reports each trial as it ends."""

    def run(self, study: str, location: Location, source: TrialSource, on_end: OnEnd) -> None: ...
