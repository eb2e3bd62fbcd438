"""How often the 95 % intervals of Shapley values and interactions cover the truth, over surfaces, designs and sizes.

    python experiments/coverage/attribution.py [--studies 200] [--output results/coverage/attribution.parquet]

Every study draws its own design (a fresh scramble of Sobol, or independent points) and its own seeds, which are
independent between arms. Each Sobol study is judged by the interval that knows its design (`aware`) and by the one that
takes its configurations for independent (`blind`). One row per surface, ingredient (or pair of them), design, size
and interval. The table is written after each size and design; those that it has are not run again.
"""

from __future__ import annotations

import argparse
import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from run import LEVEL, Array, draw

from tune_stability.analysis.attribution import Ingredients, interaction_weights
from tune_stability.analysis.contrast import contrast_interval
from tune_stability.analysis.factorial import find_factorial
from tune_stability.analysis.random_field import Geometry
from tune_stability.recipes import RECIPES, get_recipe
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.training.analytic import PLATEAU, RAMP, REFERENCE_LEARNING_RATE, basin_edges, true_success_rate

SIZES = ((12, 2), (16, 1), (16, 3), (16, 10), (32, 1), (32, 3), (64, 3), (128, 3), (256, 3))
"""Configurations and seeds."""
LADDER = {
    "lr": ("no-warmup", "stable", ("learning_rate",)),
    "lr and warmup": ("devlin", "stable", ("learning_rate", "warmup_ratio")),
}
"""Surfaces of the analytic trainable: baseline, treatment and axes."""


@dataclass(frozen=True)
class Surface:
    """Success probabilities on the unit cube by set of ingredients, and what is true of their means.

    `truth`: the Shapley value of each ingredient, and the interaction of the first pair.
    """

    name: str
    n_axes: int
    arms: dict[Ingredients, Callable[[Array], Array]]
    truth: dict[Ingredients, float]


def main() -> None:
    """Measure, write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200, help="studies per cell of a Sobol design of 16 by 3")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/attribution.parquet"))
    options = parser.parse_args()
    # Designs whose size is not a power of two are part of what is measured.
    warnings.filterwarnings("ignore", message="The balance properties of Sobol")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.read_parquet(options.output) if options.output.exists() else pd.DataFrame()
    surfaces = make_surfaces()
    for design, (n_configs, n_seeds) in itertools.product(("random", "sobol"), SIZES):
        cell = {"design": design, "n_configs": n_configs, "n_seeds": n_seeds}
        if len(table) and (table[list(cell)] == pd.Series(cell)).all(axis=1).any():
            continue
        rng = np.random.default_rng([options.seed, n_configs, n_seeds, design == "sobol"])
        rows = measure(surfaces, design, n_configs, n_seeds, how_many(options.studies, design, n_configs, n_seeds), rng)
        table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
        table.to_parquet(options.output, index=False)
        print(f"{design}: {n_configs} configurations by {n_seeds} done", flush=True)
    table["case"] = table["design"] + "/" + table["interval"]
    table["size"] = table["n_configs"].astype(str) + "x" + table["n_seeds"].astype(str)
    for value in ("coverage", "mean_width"):
        wide = table.pivot_table(index=["surface", "ingredient", "case"], columns="size", values=value, sort=False)
        print(f"\n{value}\n{wide.round(3).to_string(na_rep='')}")


def how_many(studies: int, design: str, n_configs: int, n_seeds: int) -> int:
    """Fewer where a study takes longer; an interval that knows no design is quick."""
    if design == "random" or n_seeds == 1:
        return 3 * studies // 2
    return max(studies * 16 // max(n_configs, 16), studies // 10)


def measure(
    surfaces: tuple[Surface, ...], design: str, n_configs: int, n_seeds: int, studies: int, rng: np.random.Generator
) -> list[dict[str, object]]:
    """The rows of one design and size."""
    found: dict[tuple[str, int, str, float, str], list[tuple[float, float, float]]] = {}
    for _ in range(studies):
        for n_axes in sorted({surface.n_axes for surface in surfaces}):
            points = draw(design, n_configs, n_axes, rng)
            geometry = Geometry(points) if design == "sobol" else None
            for surface in (one for one in surfaces if one.n_axes == n_axes):
                arms = {
                    arm: (rng.random((n_configs, n_seeds)) < probability(points)[:, None]).astype(float)
                    for arm, probability in surface.arms.items()
                }
                for group, truth in surface.truth.items():
                    weights = interaction_weights(sorted(frozenset().union(*surface.truth)), set(group))
                    for known in ("sobol", "random") if design == "sobol" else ("random",):
                        own = contrast_interval(arms, weights, len(group), points, known, LEVEL, geometry)  # type: ignore[arg-type]
                        label = "aware" if known == design else "blind"
                        key = (surface.name, n_axes, ", ".join(sorted(group)), truth, label)
                        found.setdefault(key, []).append((own.estimate, own.low, own.high))
    return [
        {
            **dict(zip(("surface", "n_axes", "ingredient", "truth", "interval"), key, strict=True)),
            "design": design,
            "n_configs": n_configs,
            "n_seeds": n_seeds,
            "studies": studies,
            "level": LEVEL,
            **summary(np.array(intervals), key[3]),
        }
        for key, intervals in found.items()
    ]


def summary(intervals: Array, truth: float) -> dict[str, float]:
    """What a row says of its studies' estimates and limits, shape `(studies, 3)`."""
    estimate, low, high = intervals.T
    # A limit that is the truth itself covers it, whatever the last digit says.
    below, above = truth < low - 1e-12, truth > high + 1e-12
    return {
        "coverage": float((~below & ~above).mean()),
        "truth_below": float(below.mean()),
        "truth_above": float(above.mean()),
        "mean_width": float((high - low).mean()),
        "sd_estimate": float(estimate.std(ddof=1)),
    }


def make_surfaces() -> tuple[Surface, ...]:
    """The analytic trainable in two spaces, and shapes that are harder; `a`, `b` and `c` are 1 with the ingredient."""
    shapes: dict[tuple[str, int], Callable[..., Array]] = {
        ("step 1d", 1): lambda u, a, b, c: (u[..., 0] > 0.4 - 0.2 * a) & (u[..., 0] < 0.6 + 0.1 * b),
        ("rare 1d", 1): lambda u, a, b, c: 0.5 * (u[..., 0] < 0.3) + 0.9 * a * (u[..., 0] > 0.95),
        ("only all three 1d", 1): lambda u, a, b, c: a * b * c * 0.8 * u[..., 0],
        ("almost always 1d", 1): lambda u, a, b, c: 1 - 0.3 * (1 - a) * (u[..., 0] < 0.15) - 0.05 * (1 - b),
        ("almost never 1d", 1): lambda u, a, b, c: 0.03 * (1 + a) + 0 * u[..., 0],
        ("nothing helps 1d", 1): lambda u, a, b, c: 1 / (1 + np.exp(4 - 8 * u[..., 0])),
        ("smooth 3d", 3): lambda u, a, b, c: 1 / (1 + np.exp(4 - a - 2 * b * c - 4 * u[..., 0] - 2 * u[..., 1])),
        ("ball 3d", 3): lambda u, a, b, c: ((u - 0.5) ** 2).sum(-1) < 0.05 + 0.15 * a,
    }
    made = [surface(name, n_axes, shape) for (name, n_axes), shape in shapes.items()]
    return (*(ladder(name, *what) for name, what in LADDER.items()), *made)


def surface(name: str, n_axes: int, shape: Callable[..., Array]) -> Surface:
    """A shape that depends on the point and on three ingredients."""
    arms: dict[Ingredients, Callable[[Array], Array]] = {}
    for values in itertools.product((0, 1), repeat=3):
        arm = frozenset(name for name, value in zip("abc", values, strict=True) if value)
        arms[arm] = lambda u, values=values: shape(u, *values) * 1.0  # type: ignore[misc]
    line = (np.arange(100 if n_axes == 3 else 100_000) + 0.5) / (100 if n_axes == 3 else 100_000)
    grid = np.stack(np.meshgrid(*[line] * n_axes, indexing="ij"), axis=-1)
    means = {arm: float(probability(grid).mean()) for arm, probability in arms.items()}
    return Surface(name, n_axes, arms, true_values(means, ["a", "b", "c"]))


def ladder(name: str, baseline: str, treatment: str, axes: tuple[str, ...]) -> Surface:
    """The analytic trainable's recipes from `baseline` to `treatment`."""
    space = SearchSpace(
        name, tuple(axis for axis in get_space("wide", REFERENCE_LEARNING_RATE).axes if axis.name in axes)
    )
    pinned = {
        recipe: {key: value for key, value in get_recipe(recipe).pinned().items() if key not in axes}
        for recipe in RECIPES
    }
    recipes = find_factorial(pinned, baseline, treatment).corners
    means = {arm: true_success_rate(get_recipe(recipe), space) for arm, recipe in recipes.items()}
    arms = {arm: analytic(recipe, space) for arm, recipe in recipes.items()}
    return Surface(name, len(space.axes), arms, true_values(means, sorted(frozenset().union(*recipes))))


def analytic(recipe: str, space: SearchSpace) -> Callable[[Array], Array]:
    """The analytic trainable's probability in a space of learning rate and perhaps warmup, for many points at once."""
    pinned = get_recipe(recipe).hyperparameters(REFERENCE_LEARNING_RATE)
    # The edges are linear in the warmup, so two values tell them.
    none, full = (np.array(basin_edges(pinned.replace(warmup_ratio=ratio))) for ratio in (0.0, 1.0))

    def probability(points: Array) -> Array:
        columns = {axis.name: np.array([axis.value(u) for u in points[:, j]]) for j, axis in enumerate(space.axes)}
        warmup = np.broadcast_to(columns.get("warmup_ratio", pinned.warmup_ratio), len(points))
        decades = np.log10(columns["learning_rate"] / REFERENCE_LEARNING_RATE)
        lower, upper = (
            np.clip((decades - edge) / RAMP + 0.5, 0, 1) for edge in (none + warmup[:, None] * (full - none)).T
        )
        return np.asarray(PLATEAU * (lower - upper))

    return probability


def true_values(means: dict[Ingredients, float], names: list[str]) -> dict[Ingredients, float]:
    """The Shapley value of each ingredient and the interaction of the first two, by their definition over orders."""
    groups = [*([name] for name in names), names[:2]]
    return {frozenset(group): over_orders(means, names, group) for group in groups}


def over_orders(means: dict[Ingredients, float], names: list[str], group: list[str]) -> float:
    """The mean, over all orders of the others with the group as one, of the group's difference at its turn."""
    others = [name for name in names if name not in group]
    differences = []
    for order in itertools.permutations([*others, "the group"]):
        before = frozenset(order[: order.index("the group")])
        parts = itertools.chain.from_iterable(itertools.combinations(group, size) for size in range(len(group) + 1))
        differences.append(sum((-1) ** (len(group) - len(part)) * means[before | frozenset(part)] for part in parts))
    return float(np.mean(differences))


if __name__ == "__main__":
    main()
