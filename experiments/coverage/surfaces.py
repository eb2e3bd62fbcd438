"""Success probabilities on the unit cube whose mean is known: what simulated studies draw their trials from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from tune_stability.axes import AnyAxis, ChoiceAxis
from tune_stability.recipes import get_recipe
from tune_stability.sampling.designs import design_points
from tune_stability.spaces import get_space
from tune_stability.training.analytic import PLATEAU, RAMP, basin_edges, true_success_rate

Array = NDArray[np.float64]
REPLICATES = 8


@dataclass(frozen=True)
class Surface:
    """A success probability on the unit cube, as a function of points of shape `(..., n_axes)`, and its mean."""

    name: str
    n_axes: int
    probability: Callable[[Array], Array]
    truth: float


def make_surfaces() -> tuple[Surface, ...]:
    """The analytic trainable in two spaces, and shapes that are harder."""
    shapes: dict[tuple[str, int], Callable[[Array], Array]] = {
        ("step 1d", 1): lambda u: ((u[..., 0] > 0.23) & (u[..., 0] < 0.71)) * 1.0,
        ("smooth 3d", 3): lambda u: 1 / (1 + np.exp(3 - 4 * u[..., 0] - 2 * u[..., 1])),
        ("rare 3d", 3): lambda u: 0.2 * (u[..., 0] < 0.25),
        ("almost always 3d", 3): lambda u: 1 - 0.2 * (u[..., 0] < 0.25),
        ("diagonal slab 3d", 3): lambda u: (np.abs(u[..., 0] - 0.5 + 0.3 * (u[..., 1] - u[..., 2])) < 0.2) * 1.0,
        ("ball 3d", 3): lambda u: (((u - 0.5) ** 2).sum(-1) < 0.2) * 1.0,
        ("two islands 2d", 2): lambda u: ((((u - 0.25) ** 2).sum(-1) < 0.04) | (((u - 0.7) ** 2).sum(-1) < 0.06)) * 0.9,
        ("half everywhere 3d", 3): lambda u: np.full(u.shape[:-1], 0.5),
        ("2 % everywhere 3d", 3): lambda u: np.full(u.shape[:-1], 0.02),
        ("97 % everywhere 3d", 3): lambda u: np.full(u.shape[:-1], 0.97),
    }
    surfaces = [Surface(name, axes, shape, grid_mean(shape, axes)) for (name, axes), shape in shapes.items()]
    for space_name in ("lr", "wide"):
        space = get_space(space_name, 2e-5)
        for recipe_name in ("devlin", "stable"):
            truth = true_success_rate(get_recipe(recipe_name), space)
            name = f"{space_name} {recipe_name}"
            surfaces.append(Surface(name, len(space.axes), analytic(recipe_name, space_name), truth))
    return tuple(surfaces)


def analytic(recipe_name: str, space_name: str) -> Callable[[Array], Array]:
    """The analytic trainable's probability on the unit cube, for many points at once."""
    space = get_space(space_name, 2e-5)
    pinned = get_recipe(recipe_name).hyperparameters(2e-5)
    # Both edges are linear in log10(num_epochs) and warmup_ratio, so three trials tell them.
    corners = [(1, 0.0), (10, 0.0), (1, 1.0)]
    start, per_decade, per_warmup = (
        np.array(basin_edges(pinned.replace(num_epochs=epochs, warmup_ratio=warmup))) for epochs, warmup in corners
    )

    def probability(points: Array) -> Array:
        flat = points.reshape(-1, points.shape[-1])
        values = {axis.name: axis_values(axis, flat[:, j]) for j, axis in enumerate(space.axes)}
        x = np.log10(values["learning_rate"] / 2e-5)
        epochs = np.log10(values.get("num_epochs", np.full(len(flat), float(pinned.num_epochs))))
        warmup = values.get("warmup_ratio", np.full(len(flat), pinned.warmup_ratio))
        edges = start + (per_decade - start) * epochs[:, None] + (per_warmup - start) * warmup[:, None]
        ramps = np.clip((x[:, None] - edges) / RAMP + 0.5, 0, 1)
        return np.asarray(PLATEAU * (ramps[:, 0] - ramps[:, 1])).reshape(points.shape[:-1])

    return probability


def axis_values(axis: AnyAxis, u: Array) -> Array:
    """`axis.value` for many places at once."""
    if isinstance(axis, ChoiceAxis) or axis.is_integer:
        return np.array([axis.value(place) for place in u.tolist()], dtype=float)
    if axis.scale == "log":
        return np.asarray(axis.low * (axis.high / axis.low) ** u)
    return np.asarray(axis.low + u * (axis.high - axis.low))


def draw(design: str, n_configs: int, n_axes: int, rng: np.random.Generator) -> tuple[Array, Array | None]:
    """One study's points, shape `(n_configs, n_axes)`, and the replicate of each, None for a design without."""
    if design == "sobol":
        points = design_points("sobol", n_configs, n_axes, int(rng.integers(2**32)), replicates=REPLICATES)
        return points, np.arange(n_configs) % REPLICATES
    if design == "one scramble":
        return qmc.Sobol(n_axes, scramble=True, rng=rng).random(n_configs), None
    if design == "shifted grid":
        # A grid has nothing random; to measure it, the space is shifted under it.
        return ((np.arange(n_configs) + rng.random()) / n_configs)[:, None], None
    return rng.random((n_configs, n_axes)), None


def grid_mean(shape: Callable[[Array], Array], n_axes: int) -> float:
    """The mean of a shape over the cube, on a fine grid of midpoints."""
    count = {1: 100_000, 2: 1000, 3: 160}[n_axes]
    line = (np.arange(count) + 0.5) / count
    return float(shape(np.stack(np.meshgrid(*[line] * n_axes, indexing="ij"), axis=-1)).mean())
