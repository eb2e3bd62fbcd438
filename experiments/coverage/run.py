"""How often the 95 % interval of the success rate covers the truth, over surfaces, designs and study sizes.

    python experiments/coverage/run.py [--studies 200] [--output results/coverage/coverage.parquet]

Every study draws its own design (a fresh scramble of Sobol, or independent points) and its own seeds. Each Sobol
study is judged twice: by the interval that knows its design (`aware`), and by the one that takes its configurations
for independent (`blind`). One row per surface, design, size and interval.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import qmc

from tune_stability.analysis.random_field import Geometry
from tune_stability.analysis.region_mean import region_mean
from tune_stability.analysis.success_rate import rate_interval
from tune_stability.recipes import get_recipe
from tune_stability.spaces import get_space
from tune_stability.training.analytic import PLATEAU, RAMP, basin_edges, true_success_rate

Array = NDArray[np.float64]
LEVEL = 0.95
SIZES = {8: (1, 3), 16: (1, 3), 32: (1, 2, 3, 5), 48: (3,), 64: (1, 3), 128: (3,), 256: (3,)}
"""Configurations, and with each of them the numbers of seeds."""


@dataclass(frozen=True)
class Surface:
    """A success probability on the unit cube, as a function of points of shape `(..., n_axes)`."""

    name: str
    n_axes: int
    probability: Callable[[Array], Array]
    truth: float


def main() -> None:
    """Measure, write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200, help="studies per cell with up to 32 configurations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/coverage.parquet"))
    options = parser.parse_args()
    # Designs whose size is not a power of two are part of what is measured.
    warnings.filterwarnings("ignore", message="The balance properties of Sobol")
    table = pd.DataFrame(list(measure(options.studies, np.random.default_rng(options.seed))))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(options.output, index=False)
    table["case"] = table["design"] + "/" + table["interval"]
    for value in ("coverage", "mean_width"):
        wide = table.pivot_table(index=["surface", "n_seeds", "case"], columns="n_configs", values=value)
        print(f"\n{value}\n{wide.round(3).to_string(na_rep='')}")


def measure(studies: int, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    """The rows of the table."""
    surfaces = make_surfaces()
    for n_configs, seeds in SIZES.items():
        repeats = max(40, studies if n_configs <= 32 else studies * 32 // n_configs)
        for design in ("sobol", "random"):
            cells: dict[tuple[str, int, str], list[tuple[float, float, float]]] = {}
            for _ in range(repeats):
                for n_axes in sorted({surface.n_axes for surface in surfaces}):
                    points = draw(design, n_configs, n_axes, rng)
                    geometry = Geometry(points) if design == "sobol" else None
                    for surface in (one for one in surfaces if one.n_axes == n_axes):
                        p = surface.probability(points)[:, None]
                        for n_seeds in seeds:
                            success = (rng.random((n_configs, n_seeds)) < p).astype(float)
                            for known in ("sobol", "random") if design == "sobol" else ("random",):
                                result = region_mean(success, points, known, geometry)  # type: ignore[arg-type]
                                interval = rate_interval(result, known, LEVEL)  # type: ignore[arg-type]
                                label = "aware" if known == design else "blind"
                                cells.setdefault((surface.name, n_seeds, label), []).append(
                                    (interval.estimate, interval.low, interval.high)
                                )
            truths = {surface.name: (surface.truth, surface.n_axes) for surface in surfaces}
            for (name, n_seeds, label), found in cells.items():
                estimate, low, high = np.array(found).T
                truth, n_axes = truths[name]
                yield {
                    "surface": name,
                    "n_axes": n_axes,
                    "truth": truth,
                    "design": design,
                    "interval": label,
                    "n_configs": n_configs,
                    "n_seeds": n_seeds,
                    "studies": repeats,
                    "coverage": float(((low <= truth) & (truth <= high)).mean()),
                    "truth_below": float((truth < low).mean()),
                    "truth_above": float((truth > high).mean()),
                    "mean_width": float((high - low).mean()),
                    "sd_estimate": float(estimate.std(ddof=1)),
                    "level": LEVEL,
                }
        print(f"{n_configs} configurations done", flush=True)


def draw(design: str, n_configs: int, n_axes: int, rng: np.random.Generator) -> Array:
    """One study's points, shape `(n_configs, n_axes)`."""
    if design == "sobol":
        return qmc.Sobol(n_axes, scramble=True, rng=rng).random(n_configs)
    return rng.random((n_configs, n_axes))


def make_surfaces() -> tuple[Surface, ...]:
    """The analytic trainable in two spaces, and shapes that are harder."""
    shapes = {
        ("step 1d", 1): lambda u: ((u[..., 0] > 0.23) & (u[..., 0] < 0.71)) * 1.0,
        ("smooth 3d", 3): lambda u: 1 / (1 + np.exp(3 - 4 * u[..., 0] - 2 * u[..., 1])),
        ("rare 3d", 3): lambda u: 0.2 * (u[..., 0] < 0.25),
        ("almost always 3d", 3): lambda u: 1 - 0.2 * (u[..., 0] < 0.25),
        ("diagonal slab 3d", 3): lambda u: (np.abs(u[..., 0] - 0.5 + 0.3 * (u[..., 1] - u[..., 2])) < 0.2) * 1.0,
        ("ball 3d", 3): lambda u: (((u - 0.5) ** 2).sum(-1) < 0.2) * 1.0,
    }
    surfaces = [Surface(name, axes, shape, grid_mean(shape, axes)) for (name, axes), shape in shapes.items()]
    for space_name in ("lr", "wide"):
        space = get_space(space_name, 2e-5)
        for recipe_name in ("devlin", "stable"):
            recipe = get_recipe(recipe_name)
            surfaces.append(
                Surface(
                    f"{space_name} {recipe_name}",
                    len(space.axes),
                    analytic(recipe_name, space_name),
                    true_success_rate(recipe, space),
                )
            )
    return tuple(surfaces)


def analytic(recipe_name: str, space_name: str) -> Callable[[Array], Array]:
    """The analytic trainable's probability on the unit cube, for many points at once."""
    space = get_space(space_name, 2e-5)
    pinned = get_recipe(recipe_name).hyperparameters(2e-5)

    def probability(points: Array) -> Array:
        values = []
        for point in points:
            own = pinned.replace(**space.configuration(point))
            x = np.log10(own.learning_rate / 2e-5)
            lower, upper = (np.clip((x - edge) / RAMP + 0.5, 0, 1) for edge in basin_edges(own))
            values.append(PLATEAU * (lower - upper))
        return np.array(values)

    return probability


def grid_mean(shape: Callable[[Array], Array], n_axes: int) -> float:
    """The mean of a shape over the cube, on a fine grid of midpoints."""
    line = (np.arange(160 if n_axes == 3 else 100_000) + 0.5) / (160 if n_axes == 3 else 100_000)
    return float(shape(np.stack(np.meshgrid(*[line] * n_axes, indexing="ij"), axis=-1)).mean())


if __name__ == "__main__":
    main()
