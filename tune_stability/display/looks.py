"""The looks of a search that stops when it knows enough."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console

from tune_stability.analysis import Look
from tune_stability.display.tables import make_table, print_notes


def look_line(look: Look, baseline: str, treatment: str, width: float) -> str:
    """What one look saw, in a line."""
    interval = look.interval
    return (
        f"look {look.number} at {look.configurations} configurations: {treatment} over {baseline} "
        f"{interval.format('points')}, {100 * (interval.high - interval.low):.1f} points wide, "
        f"{'reached' if look.reached else 'wanted'} {100 * width:g}"
    )


def print_looks(looks: Mapping[str, Look], baseline: str, console: Console) -> None:
    """The widening over the baseline by treatment, as of the last look that each has come to."""
    if not looks:
        console.print("no look has been taken yet, so no widening holds under the stopping rule", style="yellow")
        return
    table = make_table(
        f"Widening over {baseline}, whenever the search stops",
        *("recipe", "look", "configurations", "widening, points", "level of this look, %"),
    )
    for treatment, look in looks.items():
        widening = look.interval.format("points").replace(" points", "")
        table.add_row(treatment, str(look.number), str(look.configurations), widening, f"{100 * look.level:.2f}")
    console.print(table)
    print_notes(((f"{treatment} over {baseline}", look.interval) for treatment, look in looks.items()), console)
    console.print(
        "This interval has 95 % over all looks together, so it is the one to quote; those above are for a number of "
        "configurations that was fixed beforehand.",
        highlight=False,
    )
