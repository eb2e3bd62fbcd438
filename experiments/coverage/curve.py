"""How often the pointwise 95 % band of the success curve holds the truth, over shapes and study sizes.

    python experiments/coverage/curve.py [--studies 100]

The shapes are those of `basin.py`. A row per shape and size of a Sobol design: `coverage` is the share of learning
rates, over studies, at which the band holds the truth to within a point; `bootstrap` the same of the percentiles of the
bootstrap that tells the basin's edges; `width` the mean width of the band.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from basin import END, SHAPES, START, Shape
from numpy.typing import NDArray
from scipy.stats import qmc

from tune_stability.analysis import success_curve
from tune_stability.analysis.basin import _resample
from tune_stability.analysis.curve import fit_curve

Array = NDArray[np.float64]
SIZES = ((16, 5), (64, 1), (64, 5), (256, 1))
RESAMPLES, NEAR = 200, 0.01


def main() -> None:
    """Measure, write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/curve.parquet"))
    options = parser.parse_args()
    table = pd.DataFrame(list(measure(options.studies)))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(options.output, index=False)
    for value in ("coverage", "bootstrap", "width"):
        wide = table.pivot_table(index="shape", columns=["n_configs", "n_seeds"], values=value, sort=False)
        print(f"\n{value}\n{wide.round(3).to_string()}\nmean\n{wide.mean().round(3).to_string()}")


def measure(studies: int) -> Iterator[dict[str, object]]:
    """The rows of the table. A cell has its own generator, so that it is the same whatever else is measured."""
    for n_configs, n_seeds in SIZES:
        for which, shape in enumerate(SHAPES):
            rng = np.random.default_rng([n_configs, n_seeds, which])
            found = [simulate(shape, n_configs, n_seeds, rng) for _ in range(studies)]
            coverage, bootstrap, width = np.mean(found, axis=0)
            known = {"shape": shape.name, "n_configs": n_configs, "n_seeds": n_seeds, "studies": studies}
            yield {**known, "coverage": coverage, "bootstrap": bootstrap, "width": width}
        print(f"{n_configs} configurations by {n_seeds} seeds done", flush=True)


def simulate(shape: Shape, n_configs: int, n_seeds: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Of one study: the share of learning rates where the band and the bootstrap hold the truth, and the width."""
    points = qmc.Sobol(2, scramble=True, rng=rng).random(n_configs)
    x = START + points[:, 0] * (END - START)
    success = (rng.random((n_configs, n_seeds)) < shape.probability(x - START, points[:, 1])[:, None]).astype(float)
    how = "configurations" if shape.shifted else "seeds"
    curve = success_curve(success, 10**x, (10**START, 10**END), observed=how)
    assert curve is not None
    places = np.log10(curve.learning_rates)
    others = (np.arange(400) + 0.5) / 400 if shape.shifted else [0.0]
    truth = np.mean([shape.probability(places - START, np.full_like(places, u)) for u in others], axis=0)
    wins, counts = success.sum(axis=1), np.full(n_configs, float(n_seeds))
    fit = fit_curve(x, wins, counts, places)
    drawn = _resample(fit, wins, counts, np.ones(n_configs), how, RESAMPLES, rng)
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return _held(curve.low, curve.high, truth), _held(low, high, truth), float((curve.high - curve.low).mean())


def _held(low: Array, high: Array, truth: Array) -> float:
    return float(((low - NEAR <= truth) & (truth <= high + NEAR)).mean())


if __name__ == "__main__":
    main()
