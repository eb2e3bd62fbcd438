"""Trying a trial again that ended in an error of its own."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tune_stability.execution.executor import OnEnd
from tune_stability.sampling.sources import Batch, TrialEnd, TrialSource
from tune_stability.trials import TrialConfig

_log = logging.getLogger(__name__)
# Beyond those of any source.
_FIRST_KEY = 10**9


@dataclass
class _Open:
    """A batch of the source of which some trials are to be tried again."""

    batch: Batch
    ends: list[TrialEnd] = field(default_factory=list)


class Retries:
    """Another source, of which a trial that ends in an error is handed out again, at most `max_retries` times.

    What was tried last is how the trial ended: only that reaches `on_end`, and the source hears of a batch once all its
    trials have ended so. Every attempt's row is in the store meanwhile.
    """

    def __init__(self, source: TrialSource, max_retries: int, on_end: OnEnd) -> None:
        self._source, self._max_retries, self._on_end = source, max_retries, on_end
        self._tried: Counter[str] = Counter()
        self._waiting: deque[Batch] = deque()
        self._open: dict[int, _Open] = {}
        self._next_key = _FIRST_KEY

    def next_batch(self) -> Batch | None:
        if self._waiting:
            return self._waiting.popleft()
        return self._source.next_batch()

    def trial_ended(self, end: TrialEnd) -> None:
        """Pass it on unless the trial is to be tried again."""
        if not self._is_to_be_tried_again(end):
            self._on_end(end)

    def batch_ended(self, batch: Batch, ends: Sequence[TrialEnd]) -> None:
        opened = self._open.pop(batch.key, None) or _Open(batch)
        again = {end.trial_id for end in ends if self._is_to_be_tried_again(end)}
        opened.ends += [end for end in ends if end.trial_id not in again]
        if not again:
            self._source.batch_ended(opened.batch, opened.ends)
            return
        for end in ends:
            if end.trial_id in again:
                self._tried[end.trial_id] += 1
                self._tell(end)
        self._next_key += 1
        self._open[self._next_key] = opened
        trials: tuple[TrialConfig, ...] = tuple(trial for trial in batch.trials if trial.trial_id in again)
        self._waiting.append(Batch(self._next_key, trials, batch.deadline))

    def _is_to_be_tried_again(self, end: TrialEnd) -> bool:
        return end.error is not None and self._tried[end.trial_id] < self._max_retries

    def _tell(self, end: TrialEnd) -> None:
        times = f"{self._tried[end.trial_id]} of {self._max_retries}"
        extra = {"event": "trial_retried", "trial_id": end.trial_id, "recipe": end.recipe, "error": end.error}
        _log.warning("ended in an error (%s); trying it again, %s", end.error, times, extra=extra)
