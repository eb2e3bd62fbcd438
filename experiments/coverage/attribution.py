"""How often the 95 % intervals of Shapley values and interactions cover the truth, over surfaces, designs and sizes.

    python experiments/coverage/attribution.py [--studies 200] [--output results/coverage/attribution.parquet]

Every study draws its own design, as in `run.py`, and its own seeds, which are independent between arms. One row per
surface, ingredient (or pair of them), design and size. The table is written after each design and size; those that it
has are not run again.
"""

from __future__ import annotations

import argparse
import itertools
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from run import DESIGNS, summary, trials
from surfaces import Array, draw

from tune_stability.analysis import Interval
from tune_stability.analysis.attribution import Ingredients, attribution
from tune_stability.analysis.factorial import find_factorial
from tune_stability.recipes import RECIPES, get_recipe
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.training.analytic import PLATEAU, RAMP, REFERENCE_LEARNING_RATE, basin_edges, true_success_rate

SIZES = ((16, 3), (32, 3), (64, 3), (16, 1), (16, 10), (128, 3), (256, 3), (32, 1), (12, 2))
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
    parser.add_argument("--studies", type=int, default=200, help="studies per design and size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/attribution.parquet"))
    options = parser.parse_args()
    # Designs whose size is not a power of two are part of what is measured.
    warnings.filterwarnings("ignore", message="The balance properties of Sobol")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.read_parquet(options.output) if options.output.exists() else pd.DataFrame()
    surfaces = make_surfaces()
    for (n_configs, n_seeds), design in itertools.product(SIZES, DESIGNS):
        cell = {"design": design, "n_configs": n_configs, "n_seeds": n_seeds}
        if len(table) and (table[list(cell)] == pd.Series(cell)).all(axis=1).any():
            continue
        rng = np.random.default_rng([options.seed, n_configs, n_seeds, list(DESIGNS).index(design)])
        own = tuple(one for one in surfaces if design != "shifted grid" or one.n_axes == 1)
        rows = [{**cell, **row} for row in measure(own, design, n_configs, n_seeds, options.studies, rng)]
        table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
        table.to_parquet(options.output, index=False)
        print(f"{design}: {n_configs} configurations by {n_seeds} done", flush=True)
    table["size"] = table["n_configs"].astype(str) + "x" + table["n_seeds"].astype(str)
    for value in ("coverage", "median_width"):
        wide = table.pivot_table(index=["design", "surface", "ingredient"], columns="size", values=value, sort=False)
        print(f"\n{value}\n{wide.round(3).to_string(na_rep='')}")


def measure(
    surfaces: tuple[Surface, ...], design: str, n_configs: int, n_seeds: int, studies: int, rng: np.random.Generator
) -> Iterator[dict[str, object]]:
    """The rows of one design and size."""
    found: dict[tuple[str, Ingredients], list[Interval]] = {}
    for _ in range(studies):
        for n_axes in sorted({one.n_axes for one in surfaces}):
            points, replicate = draw(design, n_configs, n_axes, rng)
            for one in (one for one in surfaces if one.n_axes == n_axes):
                success = {arm: trials(probability(points), n_seeds, rng) for arm, probability in one.arms.items()}
                result = attribution(success, points, DESIGNS[design], replicate=replicate)  # type: ignore[arg-type]
                intervals = {frozenset({name}): interval for name, interval in result.shapley.items()}
                intervals |= {frozenset(pair): interval for pair, interval in result.interactions.items()}
                for group in one.truth:
                    found.setdefault((one.name, group), []).append(intervals[group])
    truths = {one.name: one.truth for one in surfaces}
    for (name, group), of_group in found.items():
        truth = truths[name][group]
        yield {
            "surface": name,
            "ingredient": ", ".join(sorted(group)),
            "truth": truth,
            **summary(of_group, truth),
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
