"""The fitted surface of an arm over learning rate and epochs, and slices through the surfaces of several."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tune_stability.analysis.frames import Arms
from tune_stability.analysis.slices import Slice, held_position
from tune_stability.analysis.surface import Surface
from tune_stability.axes import AnyAxis, Axis
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.plots.space_axes import span_rates_and_epochs, tick_epochs
from tune_stability.plots.style import SUCCESS_MAP, arm_styles
from tune_stability.spaces import SearchSpace

Array = NDArray[np.float64]

_CELLS = 80


def plot_surface(
    surface: Surface, arms: Arms, ax: Axes, recipe: str, space: SearchSpace, at: Hyperparameters, has_scale: bool = True
) -> Axes:
    """The fitted probability of an arm, model-based, with its configurations and the line where it is one half.

    All axes of `space` but the learning rate and the epochs are at the values that `at` has, as its title says. All
    configurations are shown, wherever they lie on those axes, coloured by the share of seeds that succeeded.
    `has_scale` draws the scale of colours beside it. Raises `UserError` for a value of `at` outside the space.
    """
    rate, epochs = (space.axes[space.names.index(name)] for name in ("learning_rate", "num_epochs"))
    across, up = _places(rate), _places(epochs)
    held = [axis for axis in space.axes if axis.name not in ("learning_rate", "num_epochs")]
    points = np.empty((len(up), len(across), len(space.axes)))
    points[..., space.names.index("learning_rate")] = across
    points[..., space.names.index("num_epochs")] = up[:, None]
    for axis in held:
        points[..., space.names.index(axis.name)] = held_position(axis, getattr(at, axis.name))
    p = surface.probability(points.reshape(-1, len(space.axes))).reshape(len(up), len(across))
    x, y = ([float(axis.value(u)) for u in places] for axis, places in ((rate, across), (epochs, up)))
    span_rates_and_epochs(ax, space)
    cells = ax.pcolormesh(
        _edges(x), _edges(y), p, cmap=SUCCESS_MAP, vmin=0, vmax=1, shading="flat", rasterized=True, zorder=0
    )
    if p.min() < 0.5 < p.max():
        ax.contour(x, y, p, levels=[0.5], colors="white", linewidths=1.2)
    success = arms.success[recipe]
    kept = ~np.isnan(success).all(axis=1)
    shown = arms.configurations[kept]
    ax.scatter(
        shown["learning_rate"],
        shown["num_epochs"],
        c=np.nanmean(success[kept], axis=1),
        cmap=SUCCESS_MAP,
        vmin=0,
        vmax=1,
        s=22,
        edgecolors="white",
        linewidths=0.8,
    )
    where = ", ".join(f"{axis.name} {getattr(at, axis.name)}" for axis in held)
    ax.set_title(f"{recipe}, model-based" + (f"\n{where}" if where else ""), fontsize="medium")
    if has_scale:
        ax.figure.colorbar(cells, ax=ax, label="probability of success")
    return ax


def plot_slices(slices: Mapping[str, Slice], ax: Axes, space: SearchSpace) -> Axes:
    """Slices along one axis of `space`, one per arm, model-based, each with its band.

    Raises `ValueError` if there is none, or if they are along different axes.
    """
    (name,) = {one.axis for one in slices.values()}
    axis = space.axes[space.names.index(name)]
    single = not isinstance(axis, Axis) or axis.is_integer
    for (recipe, (colour, marker)), one in zip(arm_styles(list(slices)).items(), slices.values(), strict=True):
        x = one.values if isinstance(axis, Axis) else range(len(one.values))
        ax.plot(x, one.probability, color=colour, marker=marker if single else "", markersize=4, label=recipe)
        ax.fill_between(x, one.low, one.high, color=colour, alpha=0.18, linewidth=0)
    ax.axhline(0.5, color="0.6", linewidth=0.8, linestyle=":")
    ax.set(title="fitted surface, model-based", xlabel=name.replace("_", " "), ylabel="probability of success")
    ax.set_ylim(-0.02, 1.02)
    if isinstance(axis, Axis):
        ax.set_xscale(axis.scale)
        ax.set_xlim(axis.low, axis.high)
        if name == "num_epochs" and axis.scale == "log":
            tick_epochs(ax.xaxis, axis)
    else:
        ax.set_xticks(range(len(axis.values)), [str(value) for value in axis.values])
    return ax


def _places(axis: AnyAxis) -> Array:
    """Where in [0, 1] the surface is drawn: at each whole number or choice, or evenly."""
    if isinstance(axis, Axis) and not axis.is_integer:
        return np.linspace(0.0, 1.0, _CELLS)
    return np.array([np.mean(axis.stretch(value)) for value in axis.values])  # type: ignore[arg-type]


def _edges(centres: list[float]) -> Array:
    """The edges of cells around `centres`, halfway in the logarithm, which keeps them above 0."""
    logs = np.log(centres)
    middles = (logs[1:] + logs[:-1]) / 2
    return np.exp(np.concatenate([[2 * logs[0] - middles[0]], middles, [2 * logs[-1] - middles[-1]]]))
