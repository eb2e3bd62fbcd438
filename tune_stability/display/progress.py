"""The live display of a running search."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table

from tune_stability.sampling.sources import Batch, TrialEnd, TrialSource
from tune_stability.trials import TrialConfig

_log = logging.getLogger(__name__)
PLAIN_SECONDS = 30.0
"""How often a line is printed where the output is not a terminal."""


class Progress:
    """Wraps a source of batches: counts what it hands out and what ends, and shows both.

    The time left assumes that a trial costs what its effort says (epochs, or steps), at the pace of this search so far.
    """

    def __init__(self, source: TrialSource, total: int, recipes: Iterable[str], console: Console) -> None:
        self._source, self._total, self._console = source, total, console
        self._successes: Counter[str] = Counter()
        self._done: Counter[str] = Counter(dict.fromkeys(recipes, 0))
        self._handed: dict[str, TrialConfig] = {}
        self._batches = 0
        self._errors = 0
        self._effort_done = 0
        self._effort_known = 0
        self._known = 0
        self._started = time.monotonic()
        self._printed = self._started
        self._live = Live(console=console, get_renderable=self.render, refresh_per_second=2, transient=True)

    @property
    def ended(self) -> int:
        """How many trials ended, errors included."""
        return sum(self._done.values())

    @property
    def errors(self) -> int:
        return self._errors

    def expect_effort(self, trials: Sequence[TrialConfig]) -> None:
        """Take the effort of all trials that are known up front for the time left."""
        self._effort_known = sum(trial.hyperparameters.effort for trial in trials)
        self._known = len(trials)

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def next_batch(self) -> Batch | None:
        batch = self._source.next_batch()
        if batch is not None:
            self._handed.update({trial.trial_id: trial for trial in batch.trials})
            self._batches += 1
        return batch

    def batch_ended(self, batch: Batch, ends: Sequence[TrialEnd]) -> None:
        self._batches -= 1
        self._source.batch_ended(batch, ends)

    def trial_ended(self, end: TrialEnd) -> None:
        """Count and log a trial, and say so when it was an error."""
        trial = self._handed.pop(end.trial_id)
        _log_end(trial, end)
        self._effort_done += trial.hyperparameters.effort
        self._done[end.recipe] += 1
        self._successes[end.recipe] += end.outcome == "success"
        if end.error is not None:
            self._errors += 1
            self._console.print(f"trial {end.trial_id} ({end.recipe}): {end.error}", style="red", markup=False)
        now = time.monotonic()
        if not self._console.is_terminal and (now - self._printed > PLAIN_SECONDS or self.ended == self._total):
            self._printed = now
            self._console.print(self._line(), highlight=False)

    def seconds_left(self) -> float | None:
        """An estimate, None before the first trial ended."""
        if not self.ended:
            return None
        elapsed = time.monotonic() - self._started
        if self._known == self._total and self._effort_done:
            return elapsed * (self._effort_known - self._effort_done) / self._effort_done
        return elapsed * (self._total - self.ended) / self.ended

    def render(self) -> Table:
        """The display as it is now."""
        table = Table.grid(padding=(0, 2))
        width = 24
        filled = round(width * self.ended / max(1, self._total))
        table.add_row("[cyan]" + "━" * filled + "[/][dim]" + "━" * (width - filled) + "[/]", self._line())
        return table

    def _line(self) -> str:
        arms = ", ".join(f"{name} {self._successes[name]}/{done}" for name, done in self._done.items())
        left = self.seconds_left()
        # Each worker runs one trial of its batch at a time; on a cluster a few batches wait for one.
        in_flight = min(self._batches, len(self._handed))
        return (
            f"{self.ended}/{self._total} trials, {in_flight} in flight, {self._errors} errors; "
            f"successes: {arms}; {'estimating time left' if left is None else duration(left) + ' left'}"
        )


def _log_end(trial: TrialConfig, end: TrialEnd) -> None:
    _log.info(
        "trial %s ended: %s",
        end.trial_id,
        "error" if end.error is not None else end.outcome,
        extra={
            "event": "trial_ended",
            "trial_id": end.trial_id,
            "recipe": end.recipe,
            "config_index": trial.config_index,
            "seed": trial.seed,
            "outcome": end.outcome,
            "seconds": end.seconds,
            "error": end.error,
            "worker": end.worker,
        },
    )


def duration(seconds: float) -> str:
    """Seconds for people: 45 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
