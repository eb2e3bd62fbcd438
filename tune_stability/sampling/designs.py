"""Space-filling designs: points of the unit cube, enumerated up front."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from tune_stability.errors import UserError, unknown_name

DESIGNS = ("sobol", "random", "grid")


def design_points(design: str, num_points: int, num_axes: int, seed: int) -> NDArray[np.float64]:
    """The first `num_points` points of a design, shape `(num_points, num_axes)`, in [0, 1).

    `sobol` (scrambled after Owen 1998) and `random` are sequences: more points keep the first ones. `grid` takes
    the middles of equal cells and needs a whole number of them per axis.
    """
    if num_points < 1:
        raise UserError(f"the number of configurations must be at least 1, received {num_points}.")
    if design == "sobol":
        # Powers of two keep the sequence balanced, and any prefix of it is the same.
        sequence = qmc.Sobol(num_axes, scramble=True, rng=np.random.default_rng(seed))
        return sequence.random_base2(max(1, math.ceil(math.log2(num_points))))[:num_points]
    if design == "random":
        return np.random.default_rng(seed).random((num_points, num_axes))
    if design == "grid":
        return _grid(num_points, num_axes)
    raise unknown_name("design", design, DESIGNS)


def _grid(num_points: int, num_axes: int) -> NDArray[np.float64]:
    per_axis = round(num_points ** (1 / num_axes))
    if per_axis**num_axes != num_points:
        near = sorted({max(1, per_axis + k) ** num_axes for k in (-1, 0, 1)})
        raise UserError(
            f"a grid over {num_axes} axes has as many points per axis, received {num_points} configurations; "
            f"take one of {', '.join(map(str, near))}."
        )
    middles = (np.arange(per_axis) + 0.5) / per_axis
    return np.array(list(product(middles, repeat=num_axes)))
