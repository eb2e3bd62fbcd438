"""How often 95 % intervals of what a study means for a budget cover the truth, over kinds of scores and study sizes.

    python experiments/coverage/points.py [--studies 200] [--parts point region rates]

The parts measured replace those in the table; the others stay.

- One configuration (`n_configs` 1): mean, std and median of its scores, its failure rate, and the seeds needed for
  a 95 % chance of one success. The scores are normal, of two humps ("mixed", with the share that fails), skewed, both,
  or uniform.
- A region: the trials needed, and the expected best of 1 to `n_configs` trials, over a surface of success
  probabilities whose successes score between .6 and .9.
- A range of learning rates: the sensitivity, over curves of the success probability.

A row per quantity, scores, design and size. `coverage`, `truth_below`, `truth_above` and `median_width` are over the
studies whose interval is marked trustworthy, whose share is `trustworthy`; `coverage_all` is over all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm, qmc

from tune_stability.analysis import (
    Interval,
    expected_best,
    learning_rate_sensitivity,
    needed_at,
    seeds_needed,
    stability,
    trials_needed,
)

Array = NDArray[np.float64]
Row = dict[str, object]
LEVEL, DRAWS, MAJORITY, REPLICATES = 0.95, 1000, 0.5, 8
SEEDS = (5, 10, 16, 25, 50)
REGION_SIZES = {16: (1, 3), 64: (1, 5)}
RATE_SIZES = {16: (5,), 32: (3, 10), 64: (2, 5)}


def main() -> None:
    """Measure, write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/points.parquet"))
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.read_parquet(options.output) if options.output.exists() else pd.DataFrame({"part": []})
    for name in options.parts:
        rows = list(PARTS[name](options.studies, np.random.default_rng([options.seed, list(PARTS).index(name)])))
        table = pd.concat([table[table["part"] != name], pd.DataFrame(rows).assign(part=name)], ignore_index=True)
        table.to_parquet(options.output, index=False)
        print(f"{name} done", flush=True)
    for quantity, some in table.groupby("quantity", sort=False):
        for value in ("coverage", "trustworthy"):
            wide = some.pivot_table(
                index=["scores", "design"], columns=["n_configs", "n_seeds"], values=value, sort=False
            )
            print(f"\n{quantity}, {value}\n{wide.round(3).to_string(na_rep='')}")


def at_a_point(studies: int, rng: np.random.Generator) -> Iterator[Row]:
    """One configuration."""
    for n_seeds in SEEDS:
        for name, (draw, truth) in score_kinds().items():
            found: dict[str, list[Interval]] = {}
            for scores in draw(rng, (studies, n_seeds)):
                success = (scores > truth["threshold"]).astype(float)
                result = stability(scores, success, rng, majority=truth["majority"], level=LEVEL, n_draws=DRAWS)
                for quantity in ("mean", "std", "median", "failure_rate"):
                    found.setdefault(quantity, []).append(getattr(result, quantity))
                found.setdefault("seeds_needed", []).append(seeds_needed(success, level=LEVEL))
            for quantity, intervals in found.items():
                yield judge(quantity, name, 1, n_seeds, "seeds", intervals, truth[quantity])


def over_a_region(studies: int, rng: np.random.Generator) -> Iterator[Row]:
    """Trials needed, and the expected best of some trials."""
    for name, surface in SURFACES.items():
        sample = np.sort(draw_scores(surface, rng.random((1_000_000, 2)), 1, rng)[0].ravel())
        rate = float(surface(rng.random((1_000_000, 2))).mean())
        for n_configs, seeds in REGION_SIZES.items():
            budgets = [n for n in (1, 2, 8, 16) if n <= n_configs / 4]
            for n_seeds in seeds:
                for design in ("sobol", "random"):
                    found: dict[str, list[Interval]] = {}
                    for _ in range(studies):
                        points, replicate = design_of(design, n_configs, rng)
                        scores, success = draw_scores(surface, points, n_seeds, rng)
                        needed_here = trials_needed(success, level=LEVEL, replicate=replicate)
                        found.setdefault("trials_needed", []).append(needed_here)
                        for n in budgets:
                            best = expected_best(
                                scores, success, n, majority=MAJORITY, level=LEVEL, replicate=replicate
                            )
                            found.setdefault(f"expected_best of {n}", []).append(best)
                    for quantity, intervals in found.items():
                        if quantity == "trials_needed":
                            truth = needed(rate)
                        else:
                            truth = best_of(sample, int(quantity.split()[-1]))
                        yield judge(quantity, name, n_configs, n_seeds, design, intervals, truth)


def design_of(design: str, n_configs: int, rng: np.random.Generator) -> tuple[Array, NDArray[np.int64] | None]:
    """The points of a study and which scramble each is from: eight of Sobol's, or none of independent points."""
    if design == "random":
        return rng.random((n_configs, 2)), None
    each = n_configs // REPLICATES
    points = np.concatenate([qmc.Sobol(2, rng=rng).random(each) for _ in range(REPLICATES)])
    return points, np.repeat(np.arange(REPLICATES), each)


def over_learning_rates(studies: int, rng: np.random.Generator) -> Iterator[Row]:
    """Learning-rate sensitivity, over four decades."""
    fine = np.linspace(0, 4, 40_001)
    for name, curve in CURVES.items():
        mean = MAJORITY + 0.25 * curve(fine)
        truth = max(float(mean.max() - np.trapezoid(mean, fine) / 4), 0.0)
        truth = 0.0 if truth < 1e-9 else truth
        for n_configs, seeds in RATE_SIZES.items():
            for n_seeds in seeds:
                for design in ("grid", "random"):
                    intervals = []
                    for _ in range(studies):
                        x = np.linspace(0, 4, n_configs) if design == "grid" else 4 * rng.random(n_configs)
                        shape = (n_configs, n_seeds)
                        gain = 0.25 + 0.03 * rng.standard_normal(shape)
                        scores = MAJORITY + np.where(rng.random(shape) < curve(x)[:, None], gain, 0.0)
                        intervals.append(
                            learning_rate_sensitivity(
                                scores,
                                10 ** (x - 7),
                                rng,
                                floor=MAJORITY,
                                limits=(1e-7, 1e-3),
                                level=LEVEL,
                                n_draws=400,
                            )
                        )
                    yield judge("sensitivity", name, n_configs, n_seeds, design, intervals, truth)


def judge(
    quantity: str, scores: str, n_configs: int, n_seeds: int, design: str, intervals: list[Interval], truth: float
) -> Row:
    """Coverage of one cell."""
    low, high, trusted = np.array([(one.low, one.high, one.trustworthy) for one in intervals], dtype=float).T
    kept = trusted > 0

    def share(event: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
        return float(event[of].mean()) if of.any() else np.nan

    finite = kept & np.isfinite(high)
    return {
        "quantity": quantity,
        "scores": scores,
        "n_configs": n_configs,
        "n_seeds": n_seeds,
        "design": design,
        "truth": truth,
        "studies": len(intervals),
        "coverage": share((low <= truth) & (truth <= high), kept),
        "truth_below": share(truth < low, kept),
        "truth_above": share(truth > high, kept),
        "median_width": float(np.median(high[finite] - low[finite])) if finite.any() else np.nan,
        "trustworthy": float(kept.mean()),
        "coverage_all": share((low <= truth) & (truth <= high), np.ones_like(kept)),
        "level": LEVEL,
    }


Kind = tuple[Callable[[np.random.Generator, tuple[int, int]], Array], dict[str, float]]


def score_kinds() -> dict[str, Kind]:
    """For each kind of scores how to draw them, and what is true of them."""
    mixed = {f"mixed {share:g}": humps(share, 0.005) for share in (0.04, 0.2, 0.5, 0.8)}
    return {
        "normal": humps(0.0, 0.005),
        **mixed,
        "mixed 0.3, wide": humps(0.3, 0.03),
        "skewed": skewed(0.0),
        "mixed 0.2, skewed": skewed(0.2),
        "uniform": (
            lambda rng, shape: rng.random(shape),
            facts(0.5, np.sqrt(1 / 12), 0.5, 0.5, 0.5, 0.25),
        ),
    }


def facts(
    mean: float, std: float, median: float, failure_rate: float, threshold: float, majority: float
) -> dict[str, float]:
    """What is true, by the names of the quantities."""
    return {
        "mean": mean,
        "std": float(std),
        "median": median,
        "failure_rate": failure_rate,
        "seeds_needed": needed(1 - failure_rate),
        "threshold": threshold,
        "majority": majority,
    }


def humps(share: float, low_std: float) -> Kind:
    """Failures at .53 and successes at .7 (standard deviation .02, or .03 where failures have that too)."""
    high_std = max(0.02, low_std)

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        low = np.minimum(0.53 + low_std * rng.standard_normal(shape), 0.6)
        return np.where(rng.random(shape) < share, low, 0.7 + high_std * rng.standard_normal(shape))

    median = brentq(
        lambda t: share * norm.cdf((t - 0.53) / low_std) + (1 - share) * norm.cdf((t - 0.7) / high_std) - 0.5, 0.4, 0.8
    )
    variance = share * low_std**2 + (1 - share) * high_std**2 + share * (1 - share) * 0.17**2
    return draw, facts(0.7 - 0.17 * share, np.sqrt(variance), median, share, 0.605, 0.53)


def skewed(share: float) -> Kind:
    """Failures at .5 and successes below .9 by an exponential variable of mean .05."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return np.where(rng.random(shape) < share, 0.5, 0.9 - 0.05 * rng.exponential(size=shape))

    mean, variance = 0.85 - 0.35 * share, (1 - share) * 0.05**2 + share * (1 - share) * 0.35**2
    # P(score <= t) = share + (1 - share) * exp((t - .9) / .05) above the failures.
    median = 0.9 + 0.05 * np.log((0.5 - share) / (1 - share))
    return draw, facts(mean, np.sqrt(variance), float(median), share, 0.5, 0.5)


def draw_scores(
    surface: Callable[[Array], Array], points: Array, n_seeds: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Scores and successes of a study, both `(n_configs, n_seeds)`; the second axis moves the score of a success."""
    shape = (len(points), n_seeds)
    success = rng.random(shape) < surface(points)[:, None]
    high = 0.65 + 0.2 * points[:, 1:] + 0.05 * rng.random(shape)
    return np.where(success, high, MAJORITY - 0.05 * rng.random(shape)), success.astype(float)


def best_of(ordered: Array, n: int) -> float:
    """The mean best of `n` draws from a large ordered sample."""
    cdf = np.arange(1, len(ordered)) / len(ordered)
    return float(ordered[-1] - np.diff(ordered) @ cdf**n)


def needed(rate: float) -> float:
    """The true number, from the true rate."""
    return needed_at(Interval(rate, rate, rate, LEVEL, 1, 1, 0, "truth")).estimate


def trapezoid(lower: float, upper: float, ramp: float, plateau: float) -> Callable[[Array], Array]:
    """An edge is the middle of its ramp."""
    return lambda x: plateau * (np.clip((x - lower) / ramp + 0.5, 0, 1) - np.clip((x - upper) / ramp + 0.5, 0, 1))


SURFACES: dict[str, Callable[[Array], Array]] = {
    "basin": lambda u: trapezoid(0.25, 0.7, 0.15, 0.95)(u[:, 0]),
    "rare": lambda u: 0.4 * (u[:, 0] < 0.25),
    "almost always": lambda u: 1 - 0.2 * (u[:, 0] < 0.25),
    "coin": lambda u: np.full(len(u), 0.5),
}
CURVES: dict[str, Callable[[Array], Array]] = {
    "trapezoid": trapezoid(1.1, 2.9, 0.4, 0.95),
    "gentle": trapezoid(1.1, 2.9, 1.2, 0.95),
    "narrow": trapezoid(1.6, 2.3, 0.3, 0.95),
    "peak": lambda x: 0.9 * np.exp(-0.5 * ((x - 2.2) / 0.5) ** 2),
    "slope": lambda x: 0.9 * x / 4,
    "flat": lambda x: np.full_like(x, 0.9),
}
PARTS = {"point": at_a_point, "region": over_a_region, "rates": over_learning_rates}


if __name__ == "__main__":
    main()
