"""Which axes of a space are looked at together, and at which values the others are held."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tune_stability.axes import AnyAxis, Axis
from tune_stability.hyperparameters import HYPERPARAMETER_TYPES, Hyperparameters, Value
from tune_stability.spaces import SearchSpace
from tune_stability.views.study_view import StudyView

_FIRST = ("num_epochs", "warmup_ratio")
_MOST_PAIRS = 2


def main_axis(space: SearchSpace) -> AnyAxis:
    """The axis that pictures have from left to right: the learning rate, or else the first."""
    return space.axes[space.names.index("learning_rate") if "learning_rate" in space.names else 0]


def axis_pairs(space: SearchSpace) -> list[tuple[AnyAxis, AnyAxis]]:
    """The main axis with each of up to two others that are numbers, epochs and warmup before the rest."""
    across = main_axis(space)
    if not is_number(across):
        return []
    others = [axis for axis in space.axes if axis is not across and is_number(axis)]
    others.sort(key=lambda axis: _FIRST.index(axis.name) if axis.name in _FIRST else len(_FIRST))
    return [(across, up) for up in others[:_MOST_PAIRS]]


def is_number(axis: AnyAxis) -> bool:
    """Whether the values of an axis lie on a line; names and switches do not."""
    return HYPERPARAMETER_TYPES[axis.name] in (int, float)


def own_values(view: StudyView, recipes: Sequence[str], axis: AnyAxis) -> list[Value]:
    """The values that recipes as published have on an axis, each once, those that the space has."""
    published = {recipe.name: view.spec.hyperparameters(recipe) for recipe in view.spec.recipes}
    values = dict.fromkeys(getattr(published[name], axis.name) for name in recipes if name in published)
    return [value for value in values if _has(axis, value)]


def held_values(view: StudyView, free: Sequence[str]) -> dict[str, Value]:
    """The value of each axis that is not `free`: the recipes' own where all have the same, else the axis's middle.

    It is one value for all recipes, so that a difference between them is theirs alone.
    """
    found: dict[str, Value] = {}
    for axis in view.spec.space.axes:
        if axis.name not in free:
            own = own_values(view, view.recipes, axis)
            found[axis.name] = own[0] if len(own) == 1 else axis.value(0.5)
    return found


def held_point(view: StudyView, held: dict[str, Value]) -> Hyperparameters:
    """A point of the space with those values, for a slice along the axis that is left."""
    values = {axis.name: axis.value(0.5) for axis in view.spec.space.axes}
    return Hyperparameters().replace(**{**values, **held})


def chosen_values(view: StudyView, axis: AnyAxis, most: int = 3) -> list[Value]:
    """Up to `most` values at which the space is cut: the recipes' own, then the ends of the axis, then its middle."""
    ends = [axis.value(0.0), axis.value(1.0)]
    values = list(dict.fromkeys([*own_values(view, view.recipes, axis), *ends, axis.value(0.5)]))
    return sorted(values[:most])


def places(axis: AnyAxis, most: int) -> np.ndarray:
    """Where in [0, 1] a surface is drawn: in the middle of each of up to `most` cells, whole numbers or choices."""
    if isinstance(axis, Axis) and not axis.is_integer:
        return (np.arange(most) + 0.5) / most
    values = list(axis.values)
    if len(values) > most:
        # Evenly in the scale; close to one end of a log scale, several places have the same value.
        even = [axis.value((k + 0.5) / most) for k in range(most)]
        values = list(dict.fromkeys([values[0], *even, values[-1]]))
    return np.array([np.mean(axis.stretch(value)) for value in values])  # type: ignore[arg-type]


def _has(axis: AnyAxis, value: Value) -> bool:
    if isinstance(axis, Axis):
        return axis.low <= value <= axis.high  # type: ignore[operator]
    return value in axis.choices
