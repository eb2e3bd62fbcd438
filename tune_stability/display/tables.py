"""What all tables in the terminal share."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table

from tune_stability.analysis import Interval


def make_table(title: str, first: str, *others: str) -> Table:
    """An empty table with these columns, of which the first is never wrapped."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading)
    return table


def print_notes(intervals: Iterable[tuple[str, Interval]], console: Console) -> None:
    """Print what must be said of the intervals that are not trustworthy, each note once, and of which."""
    notes: dict[str, list[str]] = {}
    for what, interval in intervals:
        if not interval.trustworthy and interval.note and what not in notes.setdefault(interval.note, []):
            notes[interval.note].append(what)
    for note, where in notes.items():
        console.print(f"? {note} ({'; '.join(where)})", style="yellow", highlight=False, markup=False)
