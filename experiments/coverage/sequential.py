"""How often the interval of the widening covers the truth when a study stops as soon as it is narrow enough.

    python experiments/coverage/sequential.py [--designs sobol,random] [--studies 200] [--most 512]

Every study draws its own design and its own trials, and is looked at as `tune-stability search --until-width` looks at
it. For each target width it stops at the first look that reaches it, or at the last one. Beside the rule of the package
stands the naive one, which peeks at the 95 % interval of a fixed number of configurations at the same looks. One row
per pair of surfaces, design, number of seeds and target width. `coverage` and `mean_configs` are those at stopping,
`reached` the share of studies that stopped before they had to; `coverage_all_looks` is the share of studies in which
every look's interval covers. Rows that the output already has are kept, so that a run can be stopped and gone on with.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from surfaces import Surface, draw, make_surfaces

from tune_stability.analysis import widening
from tune_stability.analysis.region_mean import Design
from tune_stability.analysis.sequential import look_level, look_sizes

Array = NDArray[np.float64]
LEVEL = 0.95
WIDTHS = (0.4, 0.3, 0.2, 0.15, 0.1)
SEEDS = (1, 2, 3, 5)
PAIRS = (
    ("lr devlin", "lr stable"),
    ("step 1d", "lr stable"),
    ("wide devlin", "wide stable"),
    ("wide devlin", "wide devlin"),
    ("smooth 3d", "smooth 3d"),
    ("rare 3d", "smooth 3d"),
    ("rare 3d", "almost always 3d"),
    ("ball 3d", "diagonal slab 3d"),
)
KEYS = ["baseline", "treatment", "design", "n_seeds", "most", "studies"]


def main() -> None:
    """Measure what the output lacks, write after every cell, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--designs", default="sobol,random")
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--most", type=int, default=512)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/sequential.parquet"))
    options = parser.parse_args()
    # Looks halfway between powers of two are part of what is measured.
    warnings.filterwarnings("ignore", message="The balance properties of Sobol")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.read_parquet(options.output) if options.output.exists() else pd.DataFrame(columns=KEYS)
    surfaces = {surface.name: surface for surface in make_surfaces()}
    for design in options.designs.split(","):
        for pair in PAIRS:
            arms = surfaces[pair[0]], surfaces[pair[1]]
            for n_seeds in SEEDS:
                cell = (*pair, design, n_seeds, options.most, options.studies)
                if len(table) and (table[KEYS] == list(cell)).all(axis=1).any():
                    continue
                rng = np.random.default_rng([options.seed, *map(ord, "".join(map(str, cell)))])
                rows = pd.DataFrame(list(measure(*arms, design, n_seeds, options.most, options.studies, rng)))
                table = pd.concat([table, rows], ignore_index=True) if len(table) else rows
                table.to_parquet(options.output, index=False)
                print(rows.drop(columns=["level", "most", "studies"]).round(3).to_string(header=False), flush=True)
    print_table(table)


def measure(
    baseline: Surface,
    treatment: Surface,
    design: Design,
    n_seeds: int,
    most: int,
    studies: int,
    rng: np.random.Generator,
) -> Iterator[dict[str, object]]:
    """The rows of one pair of surfaces, design and number of seeds."""
    sizes = np.array(look_sizes(most))
    truth = treatment.truth - baseline.truth
    # Low and high of each study and look, by the rule's levels and by the level of a fixed number of configurations.
    limits = np.array([study(baseline, treatment, design, n_seeds, most, rng) for _ in range(studies)])
    spent, naive = limits[:, :, 0], limits[:, :, 1]
    for width in WIDTHS:
        stop, at_peek = (first_narrow(each, width) for each in (spent, naive))
        found = {
            "coverage": covers(at(spent, stop), truth).mean(),
            "mean_configs": sizes[stop].mean(),
            "reached": (stop < len(sizes) - 1).mean(),
            "mean_width": (at(spent, stop)[:, 1] - at(spent, stop)[:, 0]).mean(),
            "coverage_all_looks": covers(spent, truth).all(axis=1).mean(),
            "coverage_naive": covers(at(naive, at_peek), truth).mean(),
            "mean_configs_naive": sizes[at_peek].mean(),
            "coverage_fixed": covers(naive[:, -1], truth).mean(),
        }
        yield {
            "baseline": baseline.name,
            "treatment": treatment.name,
            "n_axes": baseline.n_axes,
            "truth": truth,
            "design": design,
            "n_seeds": n_seeds,
            "width": width,
            **{name: float(value) for name, value in found.items()},
            "most": most,
            "studies": studies,
            "level": LEVEL,
        }


def study(
    baseline: Surface, treatment: Surface, design: Design, n_seeds: int, most: int, rng: np.random.Generator
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """One study's intervals at every look, by the rule and naive."""
    points, replicate = draw(design, most, baseline.n_axes, rng)
    success = [(rng.random((most, n_seeds)) < arm.probability(points)[:, None]) * 1.0 for arm in (baseline, treatment)]
    looks = []
    for number, size in enumerate(look_sizes(most), 1):
        first, second = (values[:size] for values in success)
        scramble = None if replicate is None else replicate[:size]
        both = (
            widening(first, second, points[:size], design, level, scramble).difference
            for level in (look_level(number, most, LEVEL), LEVEL)
        )
        looks.append(tuple((interval.low, interval.high) for interval in both))
    return looks  # type: ignore[return-value]


def first_narrow(limits: Array, width: float) -> NDArray[np.int_]:
    """Per study the first look whose interval is narrow enough, or the last look; `limits`: `(studies, looks, 2)`."""
    narrow = limits[..., 1] - limits[..., 0] <= width
    narrow[:, -1] = True
    return narrow.argmax(axis=1)


def at(limits: Array, look: NDArray[np.int_]) -> Array:
    """Each study's interval at its own look, shape `(studies, 2)`."""
    return limits[np.arange(len(limits)), look]


def covers(limits: Array, truth: float) -> NDArray[np.bool_]:
    """Whether each interval holds the truth."""
    return (limits[..., 0] <= truth) & (truth <= limits[..., 1])


def print_table(table: pd.DataFrame) -> None:
    """Over all surfaces and seeds, by design and width: coverage (least, mean) and the price of not peeking."""
    by = table.groupby(["design", "most", "width"])
    summary = by.agg(
        least=("coverage", "min"),
        mean=("coverage", "mean"),
        configs=("mean_configs", "mean"),
        reached=("reached", "mean"),
        naive_least=("coverage_naive", "min"),
        naive_mean=("coverage_naive", "mean"),
        naive_configs=("mean_configs_naive", "mean"),
    )
    print(summary.round(3).to_string())


if __name__ == "__main__":
    main()
