"""Where in the space an arm succeeds: its configurations, the fitted surface under them, and how arms differ."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection

from tune_stability.plots.half_line import half_lines
from tune_stability.plots.space_axes import edges, span_x, span_y
from tune_stability.plots.style import DIFFERENCE_MAP, SUCCESS_MAP
from tune_stability.spaces import SearchSpace


def plot_region(
    table: pd.DataFrame,
    ax: Axes,
    space: SearchSpace,
    axes: tuple[str, str] = ("learning_rate", "num_epochs"),
    has_scale: bool = True,
) -> Axes:
    """Each configuration of an arm on two axes of `space`, coloured by the share of its trials that succeeded.

    `table`: the rows of one arm in `views.configuration_table`. `has_scale` draws the scale of colours beside it.
    """
    marks = _points(table, ax, axes, 36, "0.25")
    _span(ax, space, axes)
    if has_scale:
        ax.figure.colorbar(marks, ax=ax, label="share of trials that succeed")
    return ax


def plot_surface(
    table: pd.DataFrame, ax: Axes, space: SearchSpace, points: pd.DataFrame | None = None, has_scale: bool = True
) -> Axes:
    """The fitted probability of an arm, model-based, with the line where it is one half.

    `table`: the rows of one arm in `views.surface_table`, whose axes are its second and third columns. `points`: the
    rows of the same arm in `views.configuration_table`, shown wherever they lie on the axes that are held.
    """
    x, y, p = _grid(ax, table, space, "probability", SUCCESS_MAP, (0.0, 1.0), has_scale and "probability of success")
    across, up = (space.axes[space.names.index(name)] for name in table.columns[1:3])
    for line in half_lines(across, up, x, y, p):
        # A light line with a dark rim shows on every colour of the map.
        ax.plot(*line.T, color="0.15", linewidth=2.4)
        ax.plot(*line.T, color="white", linewidth=1.3)
    if points is not None:
        _points(points, ax, (across.name, up.name), 11, "white")
    return ax


def plot_difference(table: pd.DataFrame, ax: Axes, space: SearchSpace, has_scale: bool = True) -> Axes:
    """How much likelier the treatment succeeds than the baseline, in points; model-based.

    `table`: a `views.difference_table`, whose axes are its third and fourth columns.
    """
    shown = table.drop(columns="baseline").assign(difference=100 * table["difference"])
    _grid(ax, shown, space, "difference", DIFFERENCE_MAP, (-100.0, 100.0), has_scale and "difference, points")
    return ax


def _grid(
    ax: Axes,
    table: pd.DataFrame,
    space: SearchSpace,
    value: str,
    colours: str,
    limits: tuple[float, float],
    label: str | bool,
) -> tuple[list[float], list[float], pd.DataFrame]:
    names = (str(table.columns[1]), str(table.columns[2]))
    across, up = (space.axes[space.names.index(name)] for name in names)
    wide = table.pivot_table(index=names[1], columns=names[0], values=value)
    x, y = [float(one) for one in wide.columns], [float(one) for one in wide.index]
    _span(ax, space, names)
    cells = ax.pcolormesh(
        edges(across, x), edges(up, y), wide.to_numpy(float), cmap=colours, shading="flat", rasterized=True, zorder=0
    )
    cells.set_clim(*limits)
    if label:
        ax.figure.colorbar(cells, ax=ax, label=str(label))
    return x, y, wide


def _points(table: pd.DataFrame, ax: Axes, axes: tuple[str, str], size: float, rim: str) -> PathCollection:
    return ax.scatter(
        table[axes[0]],
        table[axes[1]],
        c=table["share"],
        cmap=SUCCESS_MAP,
        vmin=0,
        vmax=1,
        s=size,
        edgecolors=rim,
        linewidths=0.5,
        zorder=3,
    )


def _span(ax: Axes, space: SearchSpace, names: tuple[str, str]) -> None:
    across, up = (space.axes[space.names.index(name)] for name in names)
    span_x(ax, across)
    span_y(ax, up)
