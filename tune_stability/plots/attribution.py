"""The widening as a waterfall: from the baseline's success rate, one ingredient at a time, to the treatment's."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

RATE_COLOUR, MORE, LESS, REST_COLOUR = "#6b7785", "#009E73", "#CC79A7", "#b7bfc7"


@dataclass(frozen=True)
class Step:
    """A bar of the waterfall in percent: where it starts and ends, the interval of its end, and how it is labelled."""

    label: tuple[str, ...]
    start: float
    end: float
    low: float
    high: float
    colour: str
    text: str


def waterfall(table: pd.DataFrame) -> list[Step]:
    """The bars of `views.attribution_table`. The interval of an ingredient is that of its own step."""
    steps: list[Step] = []
    for row in table.to_dict("records"):
        value = 100 * row["estimate"]
        if row["kind"] == "rate":
            limits = (100 * row["low"], 100 * row["high"])
            steps.append(Step((row["step"],), 0.0, value, *limits, RATE_COLOUR, f"{value:.1f} %"))
            continue
        start = steps[-1].end
        colour = REST_COLOUR if row["kind"] == "rest" else MORE if value >= 0 else LESS
        limits = (start + 100 * row["low"], start + 100 * row["high"])
        label = (row["step"],) if row["kind"] == "rest" else (row["step"], f"{row['without']}", f"→ {row['having']}")
        steps.append(Step(label, start, start + value, *limits, colour, f"{value:+.1f}"))
    return steps


def plot_attribution(table: pd.DataFrame, ax: Axes) -> Axes:
    """The waterfall with 95 % intervals. `table` as `views.attribution_table` gives it."""
    steps = waterfall(table)
    for place, step in enumerate(steps):
        ax.bar(place, step.end - step.start, 0.62, step.start, color=step.colour, alpha=0.75)
        if step.low == step.low:
            ax.plot([place, place], [step.low, step.high], color="0.15", linewidth=1.2, marker="_", markersize=5)
        top = max(value for value in (step.start, step.end, step.high) if value == value)
        ax.annotate(step.text, (place, top), (0, 3), textcoords="offset points", ha="center", fontsize="small")
        if place + 1 < len(steps):
            ax.plot([place + 0.31, place + 0.69], [step.end, step.end], color="0.5", linewidth=0.7)
    ax.set_xticks(range(len(steps)), ["\n".join(step.label).replace("_", "\n").replace("+", "+\n") for step in steps])
    ax.margins(y=0.1)
    ax.set_ylim(bottom=min(0.0, *(min(step.start, step.end) for step in steps)))
    ax.set_ylabel("success rate, %")
    return ax
