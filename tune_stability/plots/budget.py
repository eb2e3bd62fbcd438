"""What a number of trials brings: the expected best score."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from tune_stability.plots.style import arm_styles


def plot_expected_best(table: pd.DataFrame, ax: Axes) -> Axes:
    """The expected best score against the number of trials, with bands where the interval can be trusted.

    Beyond, the line is dashed. `table` as `views.expected_best_table` gives it. There is no legend.
    """
    for recipe, (colour, marker) in arm_styles(list(table["recipe"].unique())).items():
        rows = table[table["recipe"] == recipe].sort_values("n")
        trusted, limits = trusted_part(rows)
        ax.plot(rows["n"], rows["estimate"], color=colour, linestyle="--", linewidth=0.9)
        ax.plot(trusted["n"], trusted["estimate"], color=colour, marker=marker, markersize=4, label=recipe)
        ax.fill_between(*limits, color=colour, alpha=0.18, linewidth=0)
        beyond = rows[~rows["trustworthy"].astype(bool)]
        ax.plot(beyond["n"], beyond["estimate"], marker, color=colour, markersize=4, markerfacecolor="none")
    ax.axhline(float(table["majority"].iloc[0]), color="0.3", linewidth=0.9, linestyle=":", label="majority")
    ax.set(xscale="log", xlabel="trials at random configurations", ylabel=f"expected best\n{table['metric'].iloc[0]}")
    ticks = sorted(table["n"].unique())
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    return ax


def trusted_part(rows: pd.DataFrame) -> tuple[pd.DataFrame, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Those rows of an arm whose interval is trustworthy, and its band: places, lower and upper limits."""
    kept = rows[rows["trustworthy"].astype(bool)]
    places, low, high = (kept[name].to_numpy(float) for name in ("n", "low", "high"))
    if len(kept) == 1:
        # A band of one place would not be seen.
        places, low, high = places * np.array([0.95, 1.05]), np.repeat(low, 2), np.repeat(high, 2)
    return kept, (places, low, high)
