"""How often the prediction-powered interval covers, and how much narrower it is than that of the design rows alone.

    python experiments/coverage/prediction_powered.py [--studies 100] [--output FILE.parquet]

Every study draws a Sobol design of eight replicates, and three times as many adaptive configurations where success is
neither rare nor sure around them, as a sampler that looks for the boundary would. One row per surface and size; sizes
that the output has already are kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from run import summary, trials
from scipy.spatial import cKDTree
from surfaces import Array, Surface, draw, make_surfaces

from tune_stability.analysis import Rows, prediction_powered_rate, success_rate

SIZES = ((16, 1), (16, 3), (32, 1), (32, 3), (64, 3))
"""Configurations of the design, and seeds."""
NAMES = ("step 1d", "two islands 2d", "diagonal slab 3d", "ball 3d", "rare 3d", "wide devlin", "wide stable")
ADAPTIVE_SHARE = 3


def main() -> None:
    """Measure, write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/prediction_powered.parquet"))
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.read_parquet(options.output) if options.output.exists() else pd.DataFrame()
    for n_configs, n_seeds in SIZES:
        for place, surface in enumerate(one for one in make_surfaces() if one.name in NAMES):
            if (
                len(table)
                and (table[["surface", "n_configs", "n_seeds"]] == [surface.name, n_configs, n_seeds]).all(1).any()
            ):
                continue
            rng = np.random.default_rng([options.seed, n_configs, n_seeds, place])
            rows = measure(surface, n_configs, n_seeds, options.studies, rng)
            table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
            table.to_parquet(options.output, index=False)
    columns = ["coverage", "median_width", "sd_estimate"]
    print(
        table.pivot_table(index=["surface", "n_configs", "n_seeds"], columns="interval", values=columns)
        .round(3)
        .to_string()
    )


def measure(
    surface: Surface, n_configs: int, n_seeds: int, studies: int, rng: np.random.Generator
) -> list[dict[str, object]]:
    """Two rows: with adaptive rows and without."""
    powered, plain = [], []
    for _ in range(studies):
        points, replicate = draw("sobol", n_configs, surface.n_axes, rng)
        design = Rows(trials(surface.probability(points), n_seeds, rng), points)
        places = unsure_places(surface, ADAPTIVE_SHARE * n_configs, rng)
        adaptive = Rows(trials(surface.probability(places), n_seeds, rng), places)
        powered.append(prediction_powered_rate(design, adaptive, replicate=replicate))
        plain.append(success_rate(design.success, replicate=replicate))
    known = {"surface": surface.name, "n_configs": n_configs, "n_seeds": n_seeds, "truth": surface.truth}
    return [
        {**known, "interval": name, **summary(intervals, surface.truth)}
        for name, intervals in (("prediction-powered", powered), ("design rows", plain))
    ]


def unsure_places(surface: Surface, count: int, rng: np.random.Generator) -> Array:
    """Places drawn in proportion to how mixed success is among their neighbours."""
    places = rng.random((4000, surface.n_axes))
    near = surface.probability(places)[cKDTree(places).query(places, 40)[1]].mean(axis=1)
    weight = near * (1 - near) + 0.01
    return np.asarray(places[rng.choice(len(places), count, replace=False, p=weight / weight.sum())])


if __name__ == "__main__":
    main()
