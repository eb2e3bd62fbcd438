"""Space-filling designs: points of the unit cube, enumerated up front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from tune_stability.errors import UserError, unknown_name

DESIGNS = ("sobol", "random", "grid")


def design_points(
    design: str, num_points: int, num_axes: int, seed: int, num_choices: Sequence[int] = (), replicates: int = 1
) -> NDArray[np.float64]:
    """The first `num_points` points of a design, shape `(num_points, num_axes)`, in [0, 1).

    `sobol` (scrambled after Owen 1998) and `random` are sequences: more points keep the first ones. A `sobol` design of
    several `replicates` deals its points from as many independent scrambles in turn, which shows its own error:
    one scramble cannot (L'Ecuyer, Nakayama, Owen and Tuffin 2023). `grid` takes
    the middles of equal cells, as many per axis as it has choices (`num_choices` by axis, 0 for an axis with a range),
    and a whole number, the same, on every other axis.
    """
    if num_points < 1:
        raise UserError(f"the number of configurations must be at least 1, received {num_points}.")
    if design == "sobol":
        if replicates == 1:
            return _sobol(num_points, num_axes, np.random.default_rng(seed))
        each = math.ceil(num_points / replicates)
        dealt = [_sobol(each, num_axes, np.random.default_rng([seed, label])) for label in range(replicates)]
        return np.stack(dealt, axis=1).reshape(-1, num_axes)[:num_points]
    if design == "random":
        return np.random.default_rng(seed).random((num_points, num_axes))
    if design == "grid":
        return _grid(num_points, tuple(num_choices) or (0,) * num_axes)
    raise unknown_name("design", design, DESIGNS)


def design_replicate(design: str, index: int, replicates: int) -> int | None:
    """From which scramble the point of that index comes; None for a design that has no replicates."""
    return index % replicates if design == "sobol" and replicates > 1 else None


def _sobol(num_points: int, num_axes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    # Powers of two keep the sequence balanced, and any prefix of it is the same.
    sequence = qmc.Sobol(num_axes, scramble=True, rng=rng)
    return sequence.random_base2(max(1, math.ceil(math.log2(num_points))))[:num_points]


def _grid(num_points: int, num_choices: Sequence[int]) -> NDArray[np.float64]:
    of_choices = math.prod(k for k in num_choices if k)
    num_ranges = sum(not k for k in num_choices)
    per_range = round((num_points / of_choices) ** (1 / num_ranges)) if num_ranges else 1
    if of_choices * per_range**num_ranges != num_points:
        near = sorted({of_choices * max(1, per_range + k) ** num_ranges for k in (-1, 0, 1)})
        parts = [f"all {of_choices} combinations of choices"] if of_choices > 1 else []
        parts += ["as many points per axis"] if num_ranges else []
        raise UserError(
            f"a grid over {len(num_choices)} axes has {' and '.join(parts)}, received {num_points} configurations; "
            f"take one of {', '.join(map(str, near))}."
        )
    middles = [(np.arange(k or per_range) + 0.5) / (k or per_range) for k in num_choices]
    return np.array(list(product(*middles)))
