"""How far a stored study has come, as the terminal shows it."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
from rich.console import Console

from tune_stability.display.progress import duration
from tune_stability.display.tables import make_table
from tune_stability.studies import StudySpec

WINDOW = pd.Timedelta(hours=1)
"""The speed is that of the last so long before the last trial ended."""
_MOST_ERRORS = 5


def print_status(
    name: str, spec: StudySpec, trials: pd.DataFrame, console: Console, now: datetime | None = None
) -> None:
    """Progress, speed, the trials of each recipe, and what errors say; `trials` as `load_results` gives them."""
    planned = spec.planned_trials
    completed, errors = (int((trials["status"] == status).sum()) for status in ("completed", "error"))
    share = 100 * len(trials) / planned
    console.print(f"study {name}: {spec.model} on {spec.task}, {spec.space.name}", markup=False, soft_wrap=True)
    console.print(f"{len(trials)} of {planned} trials ({share:.1f} %): {completed} completed, {errors} errors")
    if trials.empty:
        return
    console.print(_speed(trials, planned - len(trials), pd.Timestamp(now or datetime.now(UTC))), highlight=False)
    table = make_table("Trials", "recipe", "planned", "completed", "success (majority)", "errors")
    for recipe in spec.recipes:
        own = trials[trials["recipe"] == recipe.name]
        of = [planned // len(spec.recipes), (own["status"] == "completed").sum(), (own["outcome"] == "success").sum()]
        table.add_row(recipe.name, *(str(int(count)) for count in of), str(int((own["status"] == "error").sum())))
    console.print(table)
    if errors:
        last = trials.loc[trials["status"] == "error", "error"].str.strip().str.split("\n").str[-1].value_counts()
        for text, count in last.head(_MOST_ERRORS).items():
            console.print(f"{count} x {text}", markup=False, soft_wrap=True)


def _speed(trials: pd.DataFrame, left: int, now: pd.Timestamp) -> str:
    ends = (trials["started_at"] + pd.to_timedelta(trials["seconds"].astype(float), unit="s")).sort_values()
    last = ends.iloc[-1]
    recent = ends[ends > last - WINDOW]
    said = f"the last trial ended {duration(max((now - last).total_seconds(), 0.0))} ago"
    seconds = (last - recent.iloc[0]).total_seconds()
    if left <= 0 or len(recent) < 2 or seconds <= 0:
        return said
    per_second = (len(recent) - 1) / seconds
    rest = f"{left} left, {duration(left / per_second)} at that speed"
    return f"{said}; {60 * per_second:.3g} trials a minute before; {rest}"
