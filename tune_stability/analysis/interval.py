"""An estimate with its interval, and what a reader must know to judge it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

from tune_stability.errors import UserError

MANY_MISSING = 0.1

Unit = Literal["plain", "percent", "points"]


@dataclass(frozen=True)
class Interval:
    """An estimate and its two-sided interval.

    `n_trials` is the number of trials (or pairs of trials) used, `missing` how many of the planned ones have no
    outcome. If `trustworthy` is false, `note` says in one sentence why; a trustworthy interval may carry a note too.
    An estimate that does not exist is NaN, with the widest possible interval and a note.
    """

    estimate: float
    low: float
    high: float
    level: float
    n_configs: int
    n_trials: int
    missing: int
    method: str
    trustworthy: bool = True
    note: str = ""

    def __post_init__(self) -> None:
        check_level(self.level)

    def distrusted(self, note: str) -> Interval:
        """The same numbers, marked as not trustworthy for the reason in `note`."""
        return dataclasses.replace(self, trustworthy=False, note=f"{self.note} {note}".strip())

    def judged_by_missing(self) -> Interval:
        """The same, marked if more than a tenth of the planned trials have no outcome."""
        note = missing_note(self.n_trials, self.missing)
        return self.distrusted(note) if note else self

    def format(self, unit: Unit = "plain", digits: int | None = None) -> str:
        """The text for a table cell, as in `43.8 % [38.2, 49.5]`; a `?` ends what is not trustworthy."""
        factor, suffix = {"plain": (1, ""), "percent": (100, " %"), "points": (100, " points")}[unit]
        places = digits if digits is not None else (3 if unit == "plain" else 1)

        def text(value: float) -> str:
            shown = value * factor
            if math.isnan(shown):
                return "-"
            sign = "+" if unit == "points" and shown > 0 else ""
            return f"{sign}{shown:.{places}f}"

        mark = "" if self.trustworthy else " ?"
        return f"{text(self.estimate)}{suffix} [{text(self.low)}, {text(self.high)}]{mark}"

    def __str__(self) -> str:
        return self.format()


def missing_note(n_trials: int, missing: int) -> str:
    """Why numbers should not be believed if so many of the planned trials have no outcome; nothing if they may be."""
    planned = n_trials + missing
    return (
        f"{missing} of {planned} trials are missing, perhaps not at random." if missing > MANY_MISSING * planned else ""
    )


def check_level(level: float) -> None:
    """Raises `UserError` unless the level is one that an interval can have."""
    if not 0 < level < 1:
        raise UserError(f"level must lie in (0, 1), received {level!r}; 0.95 is usual.")
