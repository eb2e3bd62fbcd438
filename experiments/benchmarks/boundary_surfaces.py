"""Success probabilities on the unit cube with known regions, from steep to gentle boundaries, in 1 to 3 axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from tune_stability.axes import Axis
from tune_stability.recipes import get_recipe
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.training.analytic import PLATEAU, RAMP, basin_edges

Array = NDArray[np.float64]
REFERENCE_LEARNING_RATE = 2e-5


@dataclass(frozen=True)
class Surface:
    """A space, and the probability of success at points of its unit cube, shape `(n, n_axes)` -> `(n,)`."""

    name: str
    space: SearchSpace
    probability: Callable[[Array], Array]


def make_surfaces() -> tuple[Surface, ...]:
    """Steps, of which the first three are of `experiments/coverage`; ramps; and the analytic trainable."""
    shapes: dict[tuple[str, int], Callable[[Array], Array]] = {
        ("step 1d", 1): lambda u: ((u[:, 0] > 0.23) & (u[:, 0] < 0.71)) * 1.0,
        ("diagonal slab 3d", 3): lambda u: (np.abs(u[:, 0] - 0.5 + 0.3 * (u[:, 1] - u[:, 2])) < 0.2) * 1.0,
        ("ball 3d", 3): lambda u: (((u - 0.5) ** 2).sum(axis=1) < 0.2) * 1.0,
        ("disc 2d", 2): lambda u: (((u - 0.5) ** 2).sum(axis=1) < 0.09) * 1.0,
        ("corner 2d", 2): lambda u: ((u[:, 0] < 0.65) & (u[:, 1] > 0.25)) * 1.0,
        ("steep valley 2d", 2): lambda u: special.expit(80 * (0.18 - np.abs(u[:, 0] - 0.35 - 0.3 * u[:, 1]))),
    }
    found = [Surface(name, _cube(n_axes), shape) for (name, n_axes), shape in shapes.items()]
    return *found, _analytic("lr"), _analytic("wide")


def _cube(n_axes: int) -> SearchSpace:
    names = ("warmup_ratio", "weight_decay", "max_grad_norm")[:n_axes]
    return SearchSpace("cube", tuple(Axis(name, 0.0, 1.0) for name in names))


def _analytic(space_name: str) -> Surface:
    """The analytic trainable's recipe `stable`, whose ramps span 0.4 of 3.5 decades."""
    space = get_space(space_name, REFERENCE_LEARNING_RATE)
    pinned = get_recipe("stable").hyperparameters(REFERENCE_LEARNING_RATE)

    def probability(points: Array) -> Array:
        values = np.empty(len(points))
        for i, point in enumerate(points):
            own = pinned.replace(**space.configuration(point))
            x = np.log10(own.learning_rate / REFERENCE_LEARNING_RATE)
            lower, upper = (np.clip((x - edge) / RAMP + 0.5, 0, 1) for edge in basin_edges(own))
            values[i] = PLATEAU * (lower - upper)
        return values

    return Surface(f"{space_name} stable", space, probability)
