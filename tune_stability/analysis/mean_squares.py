"""Mean squares of a balanced three-way layout with one trial per cell, and what they estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EFFECTS = tuple(effect for size in (1, 2, 3) for effect in combinations(range(3), size))
"""The three factors 0, 1 and 2, their interactions in pairs, and that of all three."""


def mean_squares(values: Array) -> Array:
    """The mean squares of each configuration, shape `(n_configs, 7)`, in the order of `EFFECTS`.

    `values`: shape `(n_configs, n_0, n_1, n_2)`, without NaN, at least two levels of each factor.
    """
    # Without one of its own scores a configuration whose scores are all the same is 0 exactly.
    values = values - values[:, :1, :1, :1]
    effects: dict[tuple[int, ...], Array] = {(): values.mean(axis=(1, 2, 3), keepdims=True)}
    for effect in EFFECTS:
        others = tuple(1 + factor for factor in range(3) if factor not in effect)
        below = sum(part for other, part in effects.items() if set(other) < set(effect))
        effects[effect] = values.mean(axis=others, keepdims=True) - below
    cells = np.array([_cells(effect, values.shape[1:]) for effect in EFFECTS])
    sums = np.stack([(effects[effect] ** 2).sum(axis=(1, 2, 3)) for effect in EFFECTS], axis=1)
    return sums * cells / degrees_of_freedom(values.shape[1:])


def degrees_of_freedom(levels: Sequence[int]) -> Array:
    """Of each mean square of one configuration with `levels` levels of the three factors, shape `(7,)`."""
    return np.array([math.prod(levels[factor] - 1 for factor in effect) for effect in EFFECTS], dtype=float)


def component_weights(levels: Sequence[int]) -> Array:
    """The weights by which mean squares add up to components of variance, shape `(4, 7)`.

    Rows are the three factors, and all interactions together. The expectation of an effect's mean square is a sum over
    the effects that contain it, of their component times the number of cells at one of their levels
    (Searle, Casella and McCulloch 1992, section 4.1); the weights solve that.
    """
    expectation = [
        [_cells(other, levels) if set(effect) <= set(other) else 0.0 for other in EFFECTS] for effect in EFFECTS
    ]
    solved = np.linalg.inv(np.array(expectation))
    return np.vstack([solved[:3], solved[3:].sum(axis=0)])


def _cells(effect: tuple[int, ...], levels: Sequence[int]) -> float:
    return float(math.prod(levels[factor] for factor in range(3) if factor not in effect))
