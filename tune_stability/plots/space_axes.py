"""Axes of a picture that span a space, so that arms are compared on the same scale whatever each has run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis as MatplotlibAxis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogFormatterSciNotation, NullLocator
from numpy.typing import NDArray

from tune_stability.axes import AnyAxis, Axis, ChoiceAxis
from tune_stability.hyperparameters import Value

Array = NDArray[np.float64]

EPOCH_TICKS = (1, 2, 3, 5, 10, 20, 50, 100)


def words(name: str) -> str:
    """A hyperparameter's name in a picture."""
    return "epochs" if name == "num_epochs" else name.replace("_", " ")


def at_value(name: str, value: Value) -> str:
    """A hyperparameter with its value, as in `20 epochs` or `warmup ratio 0.1`."""
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    if name == "num_epochs":
        return f"{shown} epoch{'' if value == 1 else 's'}"
    return f"{words(name)} {shown}"


def is_log(axis: AnyAxis) -> bool:
    """Whether an axis of numbers is drawn on a log scale."""
    return axis.scale == "log" if isinstance(axis, Axis) else axis.low > 0


def span(axis: AnyAxis) -> tuple[float, float]:
    """The ends of an axis of numbers in a picture, a little beyond those of the space."""
    if is_log(axis):
        return axis.low / 1.2, axis.high * 1.2
    margin = 0.5 if isinstance(axis, Axis) and axis.is_integer else 0.03 * (axis.high - axis.low)
    return axis.low - margin, axis.high + margin


def ticks(axis: AnyAxis) -> list[float] | None:
    """Where an axis of numbers is ticked: at its choices, or at whole numbers on a log scale; None if anywhere."""
    if isinstance(axis, ChoiceAxis):
        return [float(value) for value in axis.values]
    if axis.is_integer and is_log(axis):
        # Steps that look even on a log scale; beyond these, of whatever counts, powers of ten do.
        shown = [float(tick) for tick in EPOCH_TICKS if axis.low <= tick <= axis.high]
        return shown if len(shown) > 1 else None
    return None


def edges(axis: AnyAxis, centres: Sequence[float]) -> Array:
    """The edges of cells around at least two `centres`, halfway in the scale in which the axis is drawn."""
    places = np.log(centres) if is_log(axis) else np.asarray(centres, float)
    middles = (places[1:] + places[:-1]) / 2
    found = np.concatenate([[2 * places[0] - middles[0]], middles, [2 * places[-1] - middles[-1]]])
    return np.exp(found) if is_log(axis) else found


def span_x(ax: Axes, axis: AnyAxis) -> None:
    """Make `ax` span an axis of numbers from left to right, with its label and ticks."""
    ax.set(xlabel=words(axis.name), xscale="log" if is_log(axis) else "linear", xlim=span(axis))
    _tick(ax.xaxis, axis)


def span_y(ax: Axes, axis: AnyAxis) -> None:
    """Make `ax` span an axis of numbers from bottom to top, with its label and ticks."""
    ax.set(ylabel=words(axis.name), yscale="log" if is_log(axis) else "linear", ylim=span(axis))
    _tick(ax.yaxis, axis)


def _tick(ticked: MatplotlibAxis, axis: AnyAxis) -> None:
    at = ticks(axis)
    if at is None or axis.name == "learning_rate":
        if is_log(axis):
            ticked.set_major_formatter(LogFormatterSciNotation())
        return
    ticked.set_major_locator(FixedLocator(at))
    ticked.set_minor_locator(NullLocator())
    ticked.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
