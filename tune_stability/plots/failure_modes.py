"""How the trials of each arm ended, as bars that add up to 100 %."""

from __future__ import annotations

from types import MappingProxyType

import pandas as pd
from matplotlib.axes import Axes

# Tol's light colours, told apart by colour-blind readers, and unlike those of the arms; hatches differ as well.
MODE_STYLES = MappingProxyType(
    {
        "success": ("#77AADD", ""),
        "no_generalization": ("#EEDD88", "/"),
        "undertrained": ("#BBCC33", "."),
        "vanishing_gradients": ("#EE8866", "\\"),
        "diverged": ("#FFAABB", "x"),
        "unclassified": ("#DDDDDD", "-"),
    }
)
"""The colour and matplotlib's hatch of each end of a trial."""
_LEAST_LABELLED = 0.06


def plot_failure_modes(table: pd.DataFrame, ax: Axes) -> Axes:
    """A bar per arm of how its trials ended, in percent. There is no legend.

    `table` as `views.failure_mode_table` gives it.
    """
    recipes = list(table["recipe"].unique())
    starts = dict.fromkeys(recipes, 0.0)
    for mode, rows in table.groupby("mode", sort=False):
        if not rows["trials"].any():
            continue
        colour, hatch = MODE_STYLES[str(mode)]
        shares = rows.set_index("recipe")["share"]
        ax.barh(
            range(len(recipes)),
            [100 * shares[recipe] for recipe in recipes],
            0.7,
            [100 * starts[recipe] for recipe in recipes],
            color=colour,
            hatch=3 * hatch,
            edgecolor="white",
            linewidth=0.5,
            label=str(mode).replace("_", " "),
        )
        for place, recipe in enumerate(recipes):
            if shares[recipe] >= _LEAST_LABELLED:
                middle = 100 * (starts[recipe] + shares[recipe] / 2)
                box = {"facecolor": colour, "edgecolor": "none", "pad": 1}
                ax.text(middle, place, f"{100 * shares[recipe]:.0f}", ha="center", va="center", bbox=box)
            starts[recipe] += shares[recipe]
    ax.set_yticks(range(len(recipes)), recipes)
    ax.set_ylim(len(recipes) - 0.5, -0.5)
    ax.set(xlim=(0, 100), xlabel="share of trials, %")
    return ax
