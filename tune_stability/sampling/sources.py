"""Where an executor gets its batches of trials from."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tune_stability.outcomes import Outcome
from tune_stability.sampling.counts import Counts, count_outcomes
from tune_stability.sampling.enumeration import configuration_trials, design_configurations
from tune_stability.spaces import Configuration
from tune_stability.studies import StudySpec
from tune_stability.trials import TrialConfig

TARGET_BATCH_SECONDS = 5.0
MAX_BATCH = 1000
FEWEST_AT_ONCE = 4


@dataclass(frozen=True)
class Batch:
    """Trials that one worker runs in sequence; none of them starts after `deadline`, in seconds of `time.time`."""

    key: int
    trials: tuple[TrialConfig, ...]
    deadline: float | None = None

    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.time() >= self.deadline


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended, in brief. `error` is the last line of its traceback, `worker` the process that ran it."""

    trial_id: str
    recipe: str
    outcome: Outcome | None
    seconds: float
    error: str | None = None
    worker: str = ""


class TrialSource(Protocol):
    """Hands out batches until there are no more and hears how each ended."""

    def next_batch(self) -> Batch | None: ...

    def batch_ended(self, batch: Batch, ends: Sequence[TrialEnd]) -> None: ...


class Proposer(Protocol):
    """Suggests configurations, and is told how each did and which others run."""

    def propose(self, key: int) -> Configuration: ...

    def place(self, key: int, configuration: Configuration) -> None: ...

    def tell(self, key: int, counts: Counts) -> None: ...


class EnumeratedSource:
    """Hands out trials known up front, as many in a batch as take about `TARGET_BATCH_SECONDS`."""

    def __init__(self, trials: Sequence[TrialConfig]) -> None:
        self._left = list(reversed(trials))
        self._seconds: deque[float] = deque(maxlen=50)
        self._handed = self._running = 0

    def next_batch(self) -> Batch | None:
        if not self._left:
            return None
        typical = statistics.median(self._seconds) if self._seconds else TARGET_BATCH_SECONDS
        by_time = int(TARGET_BATCH_SECONDS / max(typical, 1e-3))
        # Batches shrink towards the end, so that no worker is left with many while the others idle.
        by_share = len(self._left) // (2 * max(FEWEST_AT_ONCE, self._running + 1))
        trials = tuple(self._left.pop() for _ in range(max(1, min(MAX_BATCH, by_time, by_share))))
        self._handed += 1
        self._running += 1
        return Batch(self._handed, trials)

    def batch_ended(self, batch: Batch, ends: Sequence[TrialEnd]) -> None:
        self._running -= 1
        self._seconds.extend(end.seconds for end in ends)


class AdaptiveSource:
    """Hands out one configuration at a time, all recipes and seeds of it: proposed, or of the study's design.

    `free` holds the indices of the configurations to hand out. `started` holds the trials still missing of
    configurations that an earlier search began; they come first.
    """

    def __init__(
        self, spec: StudySpec, proposer: Proposer, free: Sequence[int], started: Sequence[Sequence[TrialConfig]]
    ) -> None:
        self._spec, self._proposer = spec, proposer
        self._free = list(reversed(free))
        self._started = [tuple(trials) for trials in reversed(started)]
        self._design = design_configurations(spec)
        self._told: set[int] = set()

    def next_batch(self) -> Batch | None:
        if self._started:
            trials = self._started.pop()
            return Batch(trials[0].config_index, trials)
        if not self._free:
            return None
        index = self._free.pop()
        self._told.add(index)
        if index in self._design:
            configuration = self._design[index]
            self._proposer.place(index, configuration)
            return Batch(index, tuple(configuration_trials(self._spec, index, configuration, "design")))
        configuration = self._proposer.propose(index)
        return Batch(index, tuple(configuration_trials(self._spec, index, configuration, "adaptive")))

    def batch_ended(self, batch: Batch, ends: Sequence[TrialEnd]) -> None:
        if batch.key in self._told:
            self._proposer.tell(batch.key, count_outcomes((end.recipe, end.outcome) for end in ends))


class UntilDeadline:
    """Another source of which no trial starts after `seconds`; what runs then still ends."""

    def __init__(self, source: TrialSource, seconds: float) -> None:
        self._source = source
        self._deadline = time.time() + seconds

    def next_batch(self) -> Batch | None:
        batch = None if time.time() >= self._deadline else self._source.next_batch()
        return None if batch is None else replace(batch, deadline=self._deadline)

    def batch_ended(self, batch: Batch, ends: Sequence[TrialEnd]) -> None:
        self._source.batch_ended(batch, ends)
