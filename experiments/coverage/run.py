"""How often the 95 % intervals of success rate, widening and ratio cover the truth, over surfaces, designs and sizes.

    python experiments/coverage/run.py [--studies 2000] [--output results/coverage/coverage.parquet]

Every study draws its own design and its own seeds. Designs: `sobol` (independent scrambles, the default of a search),
`one scramble` of Sobol, `shifted grid` (one axis only), `random`. One row per quantity, surface, design and size.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from surfaces import Array, Surface, draw, make_surfaces

from tune_stability.analysis import Interval, success_rate, widening

SIZES = (8, 16, 32, 64, 128, 256, 512)
SEEDS = (1, 3, 10, 25)
DESIGNS = {"sobol": "sobol", "one scramble": "sobol", "shifted grid": "grid", "random": "random"}
"""The designs drawn, and as what they are judged."""
PAIRS = (
    ("wide devlin", "wide stable"),
    ("lr devlin", "lr stable"),
    ("rare 3d", "ball 3d"),
    ("ball 3d", "almost always 3d"),
    ("diagonal slab 3d", "diagonal slab 3d"),
    ("2 % everywhere 3d", "2 % everywhere 3d"),
    ("2 % everywhere 3d", "97 % everywhere 3d"),
)
"""Baseline and treatment of the widenings; both arms draw their trials independently at the same configurations."""
Found = dict[tuple[str, str, int], list[Interval]]


def main() -> None:
    """Measure, write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000, help="studies per cell with up to 64 configurations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/coverage.parquet"))
    options = parser.parse_args()
    # Designs whose size is not a power of two are part of what is measured.
    warnings.filterwarnings("ignore", message="The balance properties of Sobol")
    rows: list[dict[str, object]] = []
    options.output.parent.mkdir(parents=True, exist_ok=True)
    for n_configs in SIZES:
        for design in DESIGNS:
            studies = options.studies if n_configs <= 64 else options.studies // 2
            rng = np.random.default_rng([options.seed, n_configs, list(DESIGNS).index(design)])
            rows += measure(design, n_configs, studies, rng)
        table = pd.DataFrame(rows)
        table.to_parquet(options.output, index=False)
        print(f"{n_configs} configurations done", flush=True)
    enough = table[table["n_configs"] >= 16]
    print(
        enough.groupby(["quantity", "design"])["coverage"].describe(percentiles=[0.05, 0.5, 0.95]).round(3).to_string()
    )


def measure(design: str, n_configs: int, studies: int, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    """The rows of one design and size."""
    surfaces = {one.name: one for one in make_surfaces() if design != "shifted grid" or one.n_axes == 1}
    pairs = [pair for pair in PAIRS if set(pair) <= set(surfaces)]
    found: Found = {}
    for _ in range(studies):
        for n_axes in sorted({one.n_axes for one in surfaces.values()}):
            points, replicate = draw(design, n_configs, n_axes, rng)
            given = {"points": points, "design": DESIGNS[design], "replicate": replicate}
            own = {name: one.probability(points) for name, one in surfaces.items() if one.n_axes == n_axes}
            for n_seeds in SEEDS:
                success = {name: trials(p, n_seeds, rng) for name, p in own.items()}
                for name, values in success.items():
                    found.setdefault(("success rate", name, n_seeds), []).append(success_rate(values, **given))
                for first, second in pairs:
                    if first in own:
                        # A pair of one surface with itself has two draws.
                        other = success[second] if first != second else trials(own[second], n_seeds, rng)
                        result = widening(success[first], other, **given)
                        name = f"{first} to {second}"
                        found.setdefault(("widening", name, n_seeds), []).append(result.difference)
                        found.setdefault(("ratio", name, n_seeds), []).append(result.ratio)
    for (quantity, name, n_seeds), intervals in found.items():
        truth = true_value(quantity, name, surfaces)
        yield {
            "quantity": quantity,
            "surface": name,
            "design": design,
            "n_configs": n_configs,
            "n_seeds": n_seeds,
            "truth": truth,
            **summary(intervals, truth),
        }


def trials(probability: Array, n_seeds: int, rng: np.random.Generator) -> Array:
    """Success of every trial, shape `(n_configs, n_seeds)`."""
    return np.asarray((rng.random((len(probability), n_seeds)) < probability[:, None]) * 1.0)


def true_value(quantity: str, name: str, surfaces: dict[str, Surface]) -> float:
    """Of a success rate, or of the widening or ratio of a pair `baseline to treatment`."""
    if quantity == "success rate":
        return surfaces[name].truth
    first, second = (surfaces[part].truth for part in name.split(" to "))
    return second - first if quantity == "widening" else second / first


def summary(intervals: list[Interval], truth: float) -> dict[str, object]:
    """Over studies: how often the interval covers, on which side it misses, how wide it is, how discrete the data."""
    estimate, low, high = np.array([(one.estimate, one.low, one.high) for one in intervals]).T
    # A hair of slack: where the truth lies on a limit, rounding must not decide.
    below, above = truth < low - 1e-9, truth > high + 1e-9
    return {
        "studies": len(intervals),
        "coverage": float(1 - (below | above).mean()),
        "truth_below": float(below.mean()),
        "truth_above": float(above.mean()),
        "median_width": float(np.median(high - low)),
        "sd_estimate": float(estimate[np.isfinite(estimate)].std(ddof=1)),
        "distinct_estimates": len(np.unique(estimate[np.isfinite(estimate)].round(9))),
        "trustworthy": float(np.mean([one.trustworthy for one in intervals])),
    }


if __name__ == "__main__":
    main()
