"""The success rate of each arm with its interval."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from tune_stability.plots.style import arm_styles


def plot_rates(table: pd.DataFrame, ax: Axes) -> Axes:
    """Each arm's success rate and interval, in percent of the region; a `?` stands over what is not trustworthy.

    `table` as `views.rate_table` gives it.
    """
    for place, (row, (colour, marker)) in enumerate(
        zip(table.itertuples(), arm_styles(list(table["recipe"])).values(), strict=True)
    ):
        low, middle, high = (100 * getattr(row, name) for name in ("low", "estimate", "high"))
        ax.plot([low, high], [place, place], color=colour, linewidth=2)
        ax.plot([middle], [place], marker, color=colour, markersize=7)
        if not row.trustworthy:
            ax.annotate("?", (middle, place), (0, 5), textcoords="offset points", ha="center", color=colour)
    ax.set_yticks(range(len(table)), list(table["recipe"]))
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set(xlabel="success rate, % of the region", xlim=(-2, 102))
    return ax
