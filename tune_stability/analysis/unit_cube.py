"""Where the configurations of trials lie in the unit cube of their space."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_stability.axes import AnyAxis, Axis
from tune_stability.errors import UserError
from tune_stability.spaces import SearchSpace

Array = NDArray[np.float64]


def unit_points(configurations: pd.DataFrame, space: SearchSpace) -> Array:
    """The points of the unit cube, shape `(n_configs, n_axes)`, at which configurations lie.

    Configurations that share a whole number or a choice are spread evenly over the stretch of the axis that stands
    for it. The design had them spread too, and a design heaped on a few values would look worse than it is.
    Raises `UserError` for a value that the space does not have.
    """
    columns = [_positions(configurations[axis.name], axis) for axis in space.axes]
    return np.clip(np.stack(columns, axis=1), 0.0, 1.0)


def expressed_in(frame: pd.DataFrame, own: SearchSpace, other: SearchSpace) -> pd.DataFrame:
    """The table with every configuration of the space `own` moved to the same place of the unit cube in `other`.

    Both have axes of the same names. Numbers are rounded to ten digits, so that the same place is the same number.
    """
    moved = {}
    for one, another in zip(own.axes, other.axes, strict=True):
        column = frame[one.name]
        places = {value: another.value(one.position(value)) for value in column.unique()}
        values = column.map(places)
        moved[one.name] = values.map(lambda x: float(f"{x:.10g}")) if isinstance(column.iloc[0], float) else values
    return frame.assign(**moved)


def check_inside(column: pd.Series[Any], axis: AnyAxis) -> None:
    """Raises `UserError` for a value of the axis's hyperparameter that its space does not have."""
    if not isinstance(axis, Axis):
        for value in column.unique():
            axis.stretch(value)
        return
    values = column.to_numpy(float, na_value=np.nan)
    # An end of the range may be off by rounding.
    slack = 1e-6 * (np.abs(values) if axis.scale == "log" else axis.high - axis.low)
    outside = ~((values >= axis.low - slack) & (values <= axis.high + slack))
    if outside.any():
        raise UserError(
            f"{axis.name} is {values[outside][0]:g} in a trial, and this space has it from {axis.low:g} to "
            f"{axis.high:g}; take the space that the trials came from."
        )


def _positions(column: pd.Series[Any], axis: AnyAxis) -> Array:
    check_inside(column, axis)
    if isinstance(axis, Axis) and not axis.is_integer:
        low, high, values = axis.low, axis.high, column.to_numpy(float)
        if axis.scale == "log":
            low, high, values = math.log(low), math.log(high), np.log(values)
        return np.asarray((values - low) / (high - low))
    codes, distinct = pd.factorize(column)
    starts, ends = np.array([axis.stretch(value) for value in distinct.tolist()]).reshape(-1, 2).T
    counts = np.bincount(codes)
    # The how manieth of those with its value each one is.
    order = np.argsort(codes, kind="stable")
    place = np.empty(len(codes))
    place[order] = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(starts[codes] + (place + 0.5) / counts[codes] * (ends - starts)[codes])
