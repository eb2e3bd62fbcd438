"""Where the spread over seeds comes from, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console

from tune_stability.analysis import VarianceSplit
from tune_stability.display.tables import make_table, print_notes


def print_variance(splits: Mapping[str, VarianceSplit], console: Console) -> None:
    """Per recipe and source the standard deviation of the score and the share of its variance."""
    table = make_table(
        "Spread of the score over seeds, by source", "recipe", "source", "standard deviation", "share of variance, %"
    )
    for recipe, split in splits.items():
        for component in split.components:
            share = component.share.format("percent").replace(" %", "")
            table.add_row(recipe, component.source, component.deviation.format(), share)
    console.print(table)
    for recipe, split in splits.items():
        if split.dropped:
            total = split.n_configs + split.dropped
            console.print(
                f"{recipe}: {split.dropped} of {total} configurations lack a score and are left out", highlight=False
            )
    print_notes(
        (
            (f"spread of {recipe}", interval)
            for recipe, split in splits.items()
            for component in split.components
            for interval in (component.deviation, component.share)
        ),
        console,
    )
    console.print(
        "The rest is interactions of the three, and what no seed governs. Success rates above count the trials whose "
        "three seeds are one: the others share seeds with them, so they are no independent trials.",
        highlight=False,
    )
