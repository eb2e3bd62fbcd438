"""How often the 95 % intervals of the learning-rate basin cover the truth, over shapes, designs and study sizes.

    python experiments/coverage/basin.py [--studies 150] [--shapes NAME ...] [--sizes N ...]

What is measured replaces its rows in the table; the others stay.

Each shape is a success probability over four decades of learning rates. `shifted` is one whose edges also move with a
second hyperparameter, so that what is estimated is the mean over it, and seeds of one configuration are alike. A row
per quantity (lower edge, upper edge, width), shape, design and size. `coverage`, `truth_below`, `truth_above` and
`median_width` (in decades) are over the studies whose interval is marked trustworthy, `coverage_all` over all; both are
NaN for an edge that does not exist, where the interval should not be trustworthy.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import qmc

from tune_stability.analysis import Interval, learning_rate_basin

Array = NDArray[np.float64]
LEVEL, TAU, RESAMPLES = 0.95, 0.5, 200
START, END = -7.0, -3.0
SIZES = {8: (5,), 16: (5, 25), 32: (3,), 64: (1, 5), 256: (1,)}
"""Configurations, and with each of them the numbers of seeds."""
DESIGNS = ("grid", "sobol", "random")


@dataclass(frozen=True)
class Shape:
    """`probability` of `x`, in decades above the start, and of a second hyperparameter in [0, 1]."""

    name: str
    probability: Callable[[Array, Array], Array]
    shifted: bool = False


def main() -> None:
    """Measure, write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=150)
    parser.add_argument("--shapes", nargs="*", default=[shape.name for shape in SHAPES])
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/basin.parquet"))
    options = parser.parse_args()
    chosen = [shape for shape in SHAPES if shape.name in options.shapes]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(list(measure(chosen, options.sizes, options.studies, options.seed)))
    if options.output.exists():
        before = pd.read_parquet(options.output)
        again = before["shape"].isin(options.shapes) & before["n_configs"].isin(options.sizes)
        table = pd.concat([before[~again], table], ignore_index=True)
    table.to_parquet(options.output, index=False)
    for quantity, rows in table.groupby("quantity", sort=False):
        for value in ("coverage", "trustworthy"):
            wide = rows.pivot_table(
                index=["shape", "design"], columns=["n_configs", "n_seeds"], values=value, sort=False
            )
            print(f"\n{quantity}, {value}\n{wide.round(3).to_string(na_rep='')}")


def measure(shapes: list[Shape], sizes: list[int], studies: int, seed: int) -> Iterator[dict[str, object]]:
    """The rows of the table. A cell has its own generator, so that it is the same whatever else is measured."""
    for n_configs in sizes:
        for n_seeds in SIZES[n_configs]:
            for which, shape in enumerate(SHAPES):
                for kind, design in enumerate(DESIGNS):
                    if shape not in shapes or (shape.shifted and design == "grid"):
                        continue
                    rng = np.random.default_rng([seed, n_configs, n_seeds, which, kind])
                    known = {"shape": shape.name, "n_configs": n_configs, "n_seeds": n_seeds, "design": design}
                    found = [simulate(shape, n_configs, n_seeds, design, rng) for _ in range(studies)]
                    for column, (quantity, truth) in enumerate(truths(shape).items()):
                        yield {"quantity": quantity, **known, **judge([row[column] for row in found], truth)}
        print(f"{n_configs} configurations done", flush=True)


def simulate(
    shape: Shape, n_configs: int, n_seeds: int, design: str, rng: np.random.Generator
) -> tuple[Interval, Interval, Interval]:
    """Both edges and the width from one study."""
    if design == "grid":
        points = np.stack([np.linspace(0, 1, n_configs), np.zeros(n_configs)], axis=1)
    elif design == "sobol":
        points = qmc.Sobol(2, scramble=True, rng=rng).random(n_configs)
    else:
        points = rng.random((n_configs, 2))
    x = points[:, 0] * (END - START)
    success = rng.random((n_configs, n_seeds)) < shape.probability(x, points[:, 1])[:, None]
    basin = learning_rate_basin(
        success,
        10 ** (START + x),
        rng,
        tau=TAU,
        limits=(10**START, 10**END),
        resampled="configurations" if shape.shifted else "seeds",
        level=LEVEL,
        n_resamples=RESAMPLES,
    )
    return basin.lower, basin.upper, basin.width


def truths(shape: Shape) -> dict[str, float]:
    """Both edges as learning rates and the width in decades; an edge that is not inside the range is NaN."""
    x, other = np.linspace(0, END - START, 20_001), (np.arange(400) + 0.5) / 400
    mean = np.mean([shape.probability(x, np.full_like(x, u)) for u in other], axis=0) if shape.shifted else None
    above = np.flatnonzero((shape.probability(x, np.zeros_like(x)) if mean is None else mean) >= TAU)
    if len(above) == 0:
        return {"lower edge": np.nan, "upper edge": np.nan, "width": 0.0}
    first, last = above[0], above[-1]
    return {
        "lower edge": 10 ** (START + x[first]) if first > 0 else np.nan,
        "upper edge": 10 ** (START + x[last]) if last < len(x) - 1 else np.nan,
        "width": x[last] - x[first] if first > 0 and last < len(x) - 1 else np.nan,
    }


def judge(intervals: list[Interval], truth: float) -> dict[str, object]:
    """Coverage of one cell."""
    low, high, trusted = np.array([(one.low, one.high, one.trustworthy) for one in intervals], dtype=float).T
    is_edge = 0 < truth < 10**END
    width = np.log10(high / low) if is_edge else high - low
    kept = trusted > 0

    def share(event: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
        return float(event[of].mean()) if of.any() and not np.isnan(truth) else np.nan

    return {
        "truth": truth,
        "studies": len(intervals),
        "coverage": share((low <= truth) & (truth <= high), kept),
        "truth_below": share(truth < low, kept),
        "truth_above": share(truth > high, kept),
        "median_width": float(np.median(width[kept])) if kept.any() else np.nan,
        "trustworthy": float(kept.mean()),
        "coverage_all": share((low <= truth) & (truth <= high), np.ones_like(kept)),
        "level": LEVEL,
    }


def trapezoid(
    lower: float, upper: float, ramps: tuple[float, float], plateau: float
) -> Callable[[Array, Array], Array]:
    """An edge is the middle of its ramp."""

    def probability(x: Array, other: Array) -> Array:
        return plateau * (np.clip((x - lower) / ramps[0] + 0.5, 0, 1) - np.clip((x - upper) / ramps[1] + 0.5, 0, 1))

    return probability


def shifted(x: Array, other: Array) -> Array:
    """A trapezoid that moves by 0.8 decades with the other hyperparameter."""
    return trapezoid(1.1, 2.9, (0.4, 0.4), 0.95)(x - 0.8 * (other - 0.5), other)


SHAPES = (
    Shape("ramps of 0.4", trapezoid(1.13, 2.91, (0.4, 0.4), 0.95)),
    Shape("steep", trapezoid(1.13, 2.91, (0.05, 0.05), 1.0)),
    Shape("gentle", trapezoid(1.13, 2.91, (1.2, 1.2), 0.95)),
    Shape("uneven ramps", trapezoid(1.13, 2.91, (1.2, 0.1), 0.95)),
    Shape("low plateau", trapezoid(1.13, 2.91, (0.4, 0.4), 0.7)),
    Shape("narrow", trapezoid(1.63, 2.31, (0.3, 0.3), 0.95)),
    Shape("lower edge outside", trapezoid(-1.0, 2.53, (0.4, 0.4), 0.95)),
    Shape("no basin", trapezoid(1.13, 2.91, (0.4, 0.4), 0.3)),
    Shape("shifted", shifted, shifted=True),
)


if __name__ == "__main__":
    main()
