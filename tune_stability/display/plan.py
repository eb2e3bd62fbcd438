"""What it takes to know the widening as well as one wants, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from tune_stability.display.progress import duration
from tune_stability.display.tables import make_table

MANY_WORKERS = 16


@dataclass(frozen=True)
class PlannedSize:
    """A study whose interval of the widening is expected to be `width` wide, or None configurations if none may be.

    `seconds` and `cost` are those of the trials that have not run, for one worker; None if a trial's time is unknown,
    or the price. `cheapest`: the fewest trials still to run of all numbers of seeds.
    """

    width: float
    n_configs: int | None
    n_seeds: int
    trials: int
    to_run: int
    seconds: float | None
    cost: float | None
    cheapest: bool


def print_sizes(sizes: Sequence[PlannedSize], basis: str, console: Console) -> None:
    """A line per width and number of seeds; the cheapest of a width is marked. `basis`: what it was planned from."""
    priced = any(size.cost is not None for size in sizes)
    table = make_table(
        "Configurations and seeds for a 95 % interval of the widening this narrow",
        *("points wide", "configurations", "seeds", "trials", "to run", "1 worker", f"{MANY_WORKERS} workers"),
        *(["cost"] if priced else []),
        "",
    )
    for size in sizes:
        if size.n_configs is None:
            table.add_row(f"{100 * size.width:g}", "more than may run", str(size.n_seeds))
            continue
        table.add_row(
            f"{100 * size.width:g}",
            *(str(count) for count in (size.n_configs, size.n_seeds, size.trials, size.to_run)),
            *(_time(size.seconds, workers) for workers in (1, MANY_WORKERS)),
            *(["-" if size.cost is None else f"{size.cost:,.2f}"] if priced else []),
            "cheapest" if size.cheapest else "",
        )
    console.print(table)
    console.print(basis, highlight=False)


def _time(seconds: float | None, workers: int) -> str:
    return "unknown" if seconds is None else duration(seconds / workers)
