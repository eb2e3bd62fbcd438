"""The line along which a surface on a grid has one value."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from tune_stability.axes import AnyAxis
from tune_stability.plots.space_axes import is_log

Array = NDArray[np.float64]


def half_lines(
    across: AnyAxis, up: AnyAxis, x: Sequence[float], y: Sequence[float], values: ArrayLike, level: float = 0.5
) -> list[Array]:
    """The lines, each of shape `(n_points, 2)`, where `values`, shape `(len(y), len(x))`, have `level`.

    Between the grid's points the values are linear in the scales in which the axes are drawn.
    """
    grid = np.asarray(values, dtype=float)
    if not grid.min() < level < grid.max():
        return []
    scaled = [np.log(at) if is_log(axis) else np.asarray(at, float) for axis, at in ((across, x), (up, y))]
    drawn = _axes().contour(*scaled, grid, levels=[level])
    (found,) = drawn.allsegs
    drawn.remove()
    logs = [is_log(across), is_log(up)]
    return [np.where(logs, np.exp(np.where(logs, line, 0.0)), line) for line in found if len(line) > 1]


@functools.cache
def _axes() -> Axes:
    """Where lines are found and removed again; axes cost ten times as much as a line."""
    return Figure().subplots()
