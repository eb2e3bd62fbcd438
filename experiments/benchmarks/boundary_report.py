"""The trials that either method needed, from the table that `boundary.py` made, and the picture of it.

    python experiments/benchmarks/boundary_report.py [--table results/benchmarks/boundary.parquet]

The region is known at the first of three looks in a row with an error of at most .02; the median over repeats, with
the least and the most, stands beside the goal, a third of Sobol's median. The rate is known from the look after which
the root mean square error over repeats stays at most .02. A mark > says that it was not reached with so many trials.
"""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path

import numpy as np
import pandas as pd
from boundary import CLOSE, IN_A_ROW, LOOKS, MOST, snapped
from boundary_surfaces import Surface, make_surfaces
from matplotlib.figure import Figure
from scipy.stats import qmc

from tune_stability.plots.style import arm_styles
from tune_stability.sampling.designs import design_points
from tune_stability.sampling.enumeration import DESIGN_EVERY

_REPEATS_OF_MEAN = 100
_PER_ROW = 4


def main() -> None:
    """Print the trials needed for region and rate, and draw the region's errors beside the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=Path("results/benchmarks/boundary.parquet"))
    path = parser.parse_args().table
    table = pd.read_parquet(path)
    names = [surface.name for surface in make_surfaces() if surface.name in set(table["surface"])]
    print(pd.DataFrame([region_row(table, name) for name in names]).to_string(index=False), "\n")
    chosen = [surface for surface in make_surfaces() if surface.name in names]
    print(pd.DataFrame([rate_row(table, surface) for surface in chosen]).to_string(index=False))
    figure_of(table, names).savefig(path.with_suffix(".png"), dpi=110)


def needed(run: pd.DataFrame) -> float:
    """The trials of the first of `IN_A_ROW` looks in a row whose region error is close; infinite if there are none."""
    run = run.sort_values("n_trials")
    close = run["region_error"].to_numpy() <= CLOSE
    for i in range(len(close) - IN_A_ROW + 1):
        if close[i : i + IN_A_ROW].all():
            return float(run["n_trials"].iloc[i])
    return math.inf


def region_row(table: pd.DataFrame, name: str) -> dict[str, object]:
    """The trials until the region is known, per method."""
    row: dict[str, object] = {"surface": name}
    medians = {}
    for method in MOST:
        runs = table[(table["surface"] == name) & (table["method"] == method)]
        found = sorted(needed(run) for _, run in runs.groupby("repeat"))
        if found:
            # Of two in the middle the lower, as what was not reached cannot be averaged.
            medians[method] = statistics.median_low(found)
            shown = [
                f">{MOST[method]}" if math.isinf(n) else f"{n:.0f}" for n in (medians[method], found[0], found[-1])
            ]
            row[method] = f"{shown[0]} [{shown[1]}, {shown[2]}]"
    most = min(medians["sobol"], MOST["sobol"])
    sign = "<" if math.isinf(medians["sobol"]) else ""
    row["share"] = "" if math.isinf(medians["boundary"]) else f"{sign}{medians['boundary'] / most:.2f}"
    row["repeats"] = table.loc[table["surface"] == name, "repeat"].nunique()
    return row


def rate_row(table: pd.DataFrame, surface: Surface) -> dict[str, object]:
    """The root mean square errors of the rate after 64 trials, and the trials at which Sobol's mean is close.

    `floor` is the least number of trials at which the noise over seeds alone lets a mean over the design rows be close:
    mean p (1 - p) / .02^2, and for the sampler boundary four times that.
    """
    own = table[(table["surface"] == surface.name) & (table["method"] == "boundary") & (table["n_trials"] == 64)]
    errors = {
        "prediction-powered": own["rate"] - own["true_rate"],
        "surface's mean": own["surface_rate"] - own["true_rate"],
    }
    places = snapped(surface, qmc.Sobol(len(surface.space.axes), scramble=True, rng=7).random(1024))
    p = surface.probability(places)
    of_mean = [_mean_errors(surface, repeat, float(p.mean())) for repeat in range(_REPEATS_OF_MEAN)]
    rmse = np.sqrt(np.mean(np.square(of_mean), axis=0))
    late = [n for n, after in zip(LOOKS, np.maximum.accumulate(rmse[::-1])[::-1], strict=False) if after <= CLOSE]
    floor = float((p * (1 - p)).mean()) / CLOSE**2
    return {
        "surface": surface.name,
        "Sobol close": f"{late[0]}" if late else f">{MOST['sobol']}",
        "floors": f"{floor:.0f}, {DESIGN_EVERY * floor:.0f}",
        "RMSE at 64, Sobol mean": round(float(rmse[LOOKS.index(64)]), 3),
        **{name: round(float(np.sqrt(np.mean(np.square(error)))), 3) for name, error in errors.items()},
    }


def _mean_errors(surface: Surface, repeat: int, truth: float) -> list[float]:
    points = snapped(surface, design_points("sobol", MOST["sobol"], len(surface.space.axes), 1000 + repeat))
    won = np.random.default_rng([repeat, 2]).random(len(points)) < surface.probability(points)
    return [float(won[:n].mean()) - truth for n in LOOKS if n <= MOST["sobol"]]


def figure_of(table: pd.DataFrame, names: list[str]) -> Figure:
    """The region's error over the trials: a panel a surface, a line a repeat."""
    rows = math.ceil(len(names) / _PER_ROW)
    figure = Figure(figsize=(2.6 * _PER_ROW, 2.3 * rows), layout="constrained")
    styles = arm_styles(("boundary", "sobol"))
    for ax, name in zip(figure.subplots(rows, _PER_ROW, sharex=True, sharey=True).flat, names, strict=False):
        for method, (colour, _) in styles.items():
            runs = table[(table["surface"] == name) & (table["method"] == method)]
            for k, (_, run) in enumerate(runs.groupby("repeat")):
                label = method if k == 0 and name == names[0] else None
                ax.plot(run["n_trials"], run["region_error"].clip(lower=1e-3), color=colour, linewidth=1, label=label)
        ax.axhline(CLOSE, color="0.5", linewidth=0.8, linestyle=":")
        ax.set(title=name, xscale="log", yscale="log")
        ax.title.set_fontsize("medium")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    figure.supxlabel("trials", fontsize="medium")
    figure.supylabel("share of the space on the wrong side", fontsize="medium")
    return figure


if __name__ == "__main__":
    main()
