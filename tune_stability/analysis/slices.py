"""Slices: the fitted probability of success along one axis, with all others held at a recipe's own values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from tune_stability.analysis.interval import check_level
from tune_stability.analysis.surface import Surface
from tune_stability.axes import AnyAxis, Axis
from tune_stability.errors import UserError, unknown_name
from tune_stability.hyperparameters import Hyperparameters, Value
from tune_stability.spaces import SearchSpace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Slice:
    """The probability, model-based, at each of `values` of the hyperparameter `axis`, the others being at `held`.

    `low` and `high`, shape `(n,)` as `probability`, are a band that holds at each value for itself, not at all at once.
    """

    axis: str
    held: dict[str, Value]
    values: tuple[Value, ...]
    probability: Array
    low: Array
    high: Array
    level: float


def slice_along(
    surface: Surface, space: SearchSpace, axis: str, at: Hyperparameters, *, n: int = 101, level: float = 0.95
) -> Slice:
    """The surface along `axis`, with the other axes of `space` at the values that `at` has.

    For a recipe's own epochs and warmup, `at` is `recipe.hyperparameters(reference_learning_rate)`. A real-valued axis
    has `n` values, evenly spread in its scale; any other has all its values. The band is the posterior's.

    Raises `UserError` for an axis that the space lacks, a surface of another space, or a value of `at` outside it.
    """
    check_level(level)
    if axis not in space.names:
        raise unknown_name("axis", axis, space.names)
    if surface.n_axes != len(space.axes):
        raise UserError(
            f"the surface has {surface.n_axes} axes, the space {space.name!r} {len(space.axes)}; "
            "take the space that it was fitted in."
        )
    column = space.names.index(axis)
    along = _positions(space.axes[column], n)
    held = {other.name: getattr(at, other.name) for other in space.axes if other.name != axis}
    points = np.empty((len(along), len(space.axes)))
    for place, other in enumerate(space.axes):
        points[:, place] = along if place == column else held_position(other, held[other.name])
    mean, sd = surface.latent(points)
    half = stats.norm.ppf(0.5 + level / 2) * sd
    values = tuple(space.axes[column].value(float(u)) for u in along)
    low, high = special.expit(mean - half), special.expit(mean + half)
    return Slice(axis, held, values, surface.probability(points), low, high, level)


def _positions(axis: AnyAxis, n: int) -> Array:
    """Where in [0, 1] a slice is taken: the middle of each whole number's or choice's stretch, or `n` places."""
    if isinstance(axis, Axis) and not axis.is_integer:
        return np.linspace(0.0, 1.0, n)
    return np.array([np.mean(axis.stretch(value)) for value in axis.values])  # type: ignore[arg-type]


def held_position(axis: AnyAxis, value: Value) -> float:
    """The place in [0, 1] of a value that a surface is held at. Raises `UserError` if the space does not have it."""
    if isinstance(axis, Axis):
        if not axis.low <= value <= axis.high:  # type: ignore[operator]
            raise UserError(
                f"{axis.name} is {value}, the space has it from {axis.low:g} to {axis.high:g}, and a surface says "
                "nothing beyond its space; hold it at a value inside."
            )
        return min(max(axis.position(value), 0.0), 1.0)  # type: ignore[arg-type]
    return axis.position(value)
