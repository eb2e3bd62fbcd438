"""How often 95 % intervals of the split of variance cover the truth, over scores, study sizes and ways to make them.

    python experiments/variance/run.py [--studies 2000] [--output results/coverage/variance.parquet]

Scores are made of normal effects of the three seeds, with variances .3, .2, .1, and .4 for what is left:

- normal: the effects themselves. spread: the same, on a scale that differs from configuration to configuration.
- even, rare: 1 or 0, whether the effects are below a threshold, as they are in half or a tenth of the trials.
- lopsided: as even, with variances .9, .05, 0 and .05.
- mixed: .5 for a failed trial, and .8 with normal effects (standard deviation .02) for a successful one. Of the
  configurations two fifths always fail, two fifths never, and the others are even.

`interval` is that of `variance_split` (own), the same with nominal degrees of freedom (nominal), or percentiles of a
bootstrap over configurations (bootstrap). Rows of the quantity `rate` are the success rate of a smooth surface over
a Sobol design, from all trials of a factorial study or from the independent ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm, qmc
from scores import LOPSIDED_EFFECTS, kinds, normal

from tune_stability.analysis import success_rate, variance_split
from tune_stability.analysis.mean_squares import component_weights, degrees_of_freedom, mean_squares
from tune_stability.analysis.variance import SOURCES
from tune_stability.analysis.variance_limits import VarianceLimits, variance_limits

Array = NDArray[np.float64]
LEVEL, DRAWS = 0.95, 1000
SIZES = {1: (2, 3, 4, 5), 4: (2, 3, 4, 5), 16: (2, 3, 4, 5), 64: (2, 3)}
"""Configurations, and with each of them the numbers of seeds of a kind."""
RIVALS_AT = 16


def main() -> None:
    """Measure, write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/variance.parquet"))
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    table = pd.DataFrame([*measure_split(options.studies, rng), *measure_rate(options.studies, rng)])
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(options.output, index=False)
    for (quantity, interval), rows in table.groupby(["quantity", "interval"], sort=False):
        wide = rows.pivot_table(
            index=["scores", "n_configs", "n_seeds"], columns="source", values="coverage", sort=False
        )
        print(f"\n{quantity}, {interval}\n{wide.round(3).to_string(na_rep='')}")


def measure_split(studies: int, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    """A row per scores, size, source, quantity and interval."""
    for n_configs, seeds in SIZES.items():
        for n_seeds in seeds:
            for name, (draw, truth) in kinds(n_configs).items():
                limits, known = simulate((draw(n_configs, n_seeds, rng) for _ in range(studies)), rng)
                for (quantity, interval), of_studies in limits.items():
                    values = np.sqrt(truth) if quantity == "deviation" else truth / truth.sum()
                    table = {**coverage(np.array(of_studies), values), "variance": truth, **known}
                    for k, source in enumerate(SOURCES):
                        yield {
                            "scores": name,
                            "n_configs": n_configs,
                            "n_seeds": n_seeds,
                            "source": source,
                            "quantity": quantity,
                            "interval": interval,
                            "studies": studies,
                            **{column: numbers[k] for column, numbers in table.items()},
                        }
        print(f"{n_configs} configurations done", flush=True)


def simulate(
    studies: Iterable[Array], rng: np.random.Generator
) -> tuple[dict[tuple[str, str], list[Array]], dict[str, Array]]:
    """The limits of every study, shape `(2, 4)`, by quantity and interval, and what else is known per component."""
    limits: dict[tuple[str, str], list[Array]] = {}
    variances, trustworthy = [], []
    for scores in studies:
        components = variance_split(scores, rng, LEVEL, DRAWS).components
        variances.append([component.variance for component in components])
        trustworthy.append([component.share.trustworthy for component in components])
        for quantity in ("deviation", "share"):
            intervals = [getattr(component, quantity) for component in components]
            own = np.array([[interval.low for interval in intervals], [interval.high for interval in intervals]])
            limits.setdefault((quantity, "own"), []).append(own)
        for name, found in rivals(scores, rng).items():
            limits.setdefault(("deviation", name), []).append(np.sqrt(found.variance))
            limits.setdefault(("share", name), []).append(found.share)
    means = {"mean_variance_estimate": np.mean(variances, axis=0), "trustworthy": np.mean(trustworthy, axis=0)}
    return limits, means


def measure_rate(studies: int, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    """A row per size and choice of trials, for the success rate over a smooth surface in three dimensions."""

    def surface(points: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(3 - 4 * points[..., 0] - 2 * points[..., 1])))

    line = (np.arange(400) + 0.5) / 400
    truth = float(surface(np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)).mean())
    for n_configs in (16, 32):
        for n_seeds in (2, 3):
            found: dict[str, list[Array]] = {}
            for _ in range(studies):
                points = qmc.Sobol(3, scramble=True, rng=rng).random(n_configs)
                below = normal(n_configs, n_seeds, LOPSIDED_EFFECTS, rng)
                success = (below < norm.ppf(surface(points))[:, None, None, None]).astype(float)
                one = np.arange(n_seeds)
                choices = {"all": success.reshape(n_configs, -1), "independent": success[:, one, one, one]}
                for name, trials in choices.items():
                    interval = success_rate(trials, points)
                    found.setdefault(f"{name} trials", []).append(np.array([[interval.low], [interval.high]]))
            for name, limits in found.items():
                table = coverage(np.array(limits), np.array([truth]))
                yield {
                    "scores": "lopsided",
                    "n_configs": n_configs,
                    "n_seeds": n_seeds,
                    "source": "all",
                    "quantity": "rate",
                    "interval": name,
                    "studies": studies,
                    **{column: numbers[0] for column, numbers in table.items()},
                }


def coverage(limits: Array, truth: Array) -> dict[str, Array]:
    """Per component shares of studies, and the median width; `limits` of shape `(studies, 2, n_components)`."""
    # Rounding errors put a limit that is 0 or 1 beside it.
    below, above = truth < limits[:, 0] - 1e-9, truth > limits[:, 1] + 1e-9
    return {
        "truth": truth,
        "coverage": 1 - (below | above).mean(axis=0),
        "truth_below": below.mean(axis=0),
        "truth_above": above.mean(axis=0),
        "median_width": np.median(limits[:, 1] - limits[:, 0], axis=0),
    }


def rivals(scores: Array, rng: np.random.Generator) -> dict[str, VarianceLimits]:
    """Limits made in other ways, for studies of `RIVALS_AT` configurations."""
    levels, n = scores.shape[1:], len(scores)
    if n != RIVALS_AT:
        return {}
    squares, weights, freedom = mean_squares(scores), component_weights(levels), degrees_of_freedom(levels)
    # Pooled before, mean squares show no variation, so their degrees of freedom are the nominal ones.
    pooled = squares.mean(axis=0, keepdims=True)
    drawn = rng.multinomial(n, np.full(n, 1 / n), DRAWS) / n @ squares @ weights.T
    positive = np.maximum(drawn, 0.0)
    total = positive.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, positive / np.where(total > 0, total, 1.0), 0.0)
    tails = (0.5 - LEVEL / 2, 0.5 + LEVEL / 2)
    bootstrap = VarianceLimits(np.quantile(positive, tails, axis=0), np.quantile(shares, tails, axis=0))
    return {"nominal": variance_limits(pooled, weights, n * freedom, rng, LEVEL, DRAWS), "bootstrap": bootstrap}


if __name__ == "__main__":
    main()
