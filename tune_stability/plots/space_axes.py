"""Axes of a picture that span a space, so that arms are compared on the same scale whatever each has run."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.axis import Axis as MatplotlibAxis
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from tune_stability.axes import AnyAxis, Axis, ChoiceAxis
from tune_stability.spaces import SearchSpace

EPOCH_TICKS = (1, 2, 3, 5, 10, 20, 50)


def span_rates_and_epochs(ax: Axes, space: SearchSpace) -> None:
    """Make `ax` span the learning rates, from left to right, and the epochs of a space, with their labels and ticks."""
    ax.set(xlabel="learning rate", ylabel="epochs", xscale="log")
    rates, axis = (space.axes[space.names.index(name)] for name in ("learning_rate", "num_epochs"))
    ax.set_xlim(rates.low / 1.2, rates.high * 1.2)
    if isinstance(axis, Axis) and axis.scale == "linear":
        ax.set_ylim(axis.low - 0.5, axis.high + 0.5)
        return
    ax.set_ylim(axis.low / 1.2, axis.high * 1.2)
    ax.set_yscale("log")
    tick_epochs(ax.yaxis, axis)


def tick_epochs(ticked: MatplotlibAxis, axis: AnyAxis) -> None:
    """Tick an axis of epochs on a log scale at whole numbers, or at its choices, written as such."""
    ticks = [float(e) for e in (axis.values if isinstance(axis, ChoiceAxis) else EPOCH_TICKS)]
    ticked.set_major_locator(FixedLocator([tick for tick in ticks if axis.low <= tick <= axis.high]))
    ticked.set_minor_locator(NullLocator())
    ticked.set_major_formatter(ScalarFormatter())
