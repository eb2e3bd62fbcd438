"""Plotly marks of surfaces over two axes of a space, and of the configurations on them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tune_stability.axes import AnyAxis
from tune_stability.page.blocks import Json
from tune_stability.page.marks import DIFFERENCE_SCALE, SUCCESS_SCALE, colour_bar, numbers
from tune_stability.page.trials import configurations
from tune_stability.plots.half_line import half_lines
from tune_stability.plots.space_axes import edges, words

_POINT = 7


def surface_marks(table: pd.DataFrame, across: AnyAxis, up: AnyAxis) -> list[Json]:
    """One arm's `views.surface_table` as colours, with the line where the probability is one half."""
    x, y, p = _grid(table, across, up, "probability")
    cells = {
        **_cells(x, y, p, across, up),
        "colorscale": SUCCESS_SCALE,
        "zmin": 0,
        "zmax": 1,
        "colorbar": colour_bar("probability of success", (0, 0.5, 1), ("0", "0.5", "1")),
        "hovertemplate": f"{_where(across, up)}<br>probability %{{z:.2f}}<extra></extra>",
    }
    return [cells, *line_marks(table, across, up, "white", "solid")]


def difference_marks(table: pd.DataFrame, across: AnyAxis, up: AnyAxis) -> list[Json]:
    """A `views.difference_table` as colours that are light where arms agree."""
    x, y, difference = _grid(table, across, up, "difference")
    limit = 100
    bar = colour_bar("difference, points", (-limit, 0, limit), (f"\u2212{limit}", "0", f"+{limit}"))
    return [
        {
            **_cells(x, y, 100 * difference, across, up),
            "colorscale": DIFFERENCE_SCALE,
            "zmin": -limit,
            "zmax": limit,
            "colorbar": bar,
            "hovertemplate": f"{_where(across, up)}<br>%{{z:+.0f}} points<extra></extra>",
        }
    ]


def line_marks(table: pd.DataFrame, across: AnyAxis, up: AnyAxis, colour: str, dash: str) -> list[Json]:
    """The line of probability one half of one arm's `views.surface_table`; none where it does not exist."""
    lines = half_lines(across, up, *_grid(table, across, up, "probability"))
    if not lines:
        return []
    gap = np.full((1, 2), np.nan)
    joined = np.concatenate([part for line in lines for part in (line, gap)])[:-1]
    shared: Json = {"type": "scatter", "mode": "lines", "x": numbers(joined[:, 0], 4), "y": numbers(joined[:, 1], 4)}
    shared |= {"hoverinfo": "skip", "showlegend": False}
    rim = [{**shared, "line": {"color": "#222222", "width": 4}}] if colour == "white" else []
    # A light line with a dark rim shows on every colour of the map.
    return [*rim, {**shared, "name": "one half", "line": {"color": colour, "width": 2, "dash": dash}}]


def configuration_marks(table: pd.DataFrame, x: str, y: str, symbol: str = "circle") -> Json:
    """Configurations, rows of `views.configuration_table`, coloured by the share of their trials that succeeded."""
    counts = table[["successes", "n_trials"]].itertuples(index=False)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "configurations",
        "x": numbers(table[x], 4),
        "y": numbers(table[y], 4),
        "marker": {
            "size": _POINT,
            "symbol": symbol,
            "color": numbers(table["share"], 3),
            "colorscale": SUCCESS_SCALE,
            "cmin": 0,
            "cmax": 1,
            "line": {"color": "white", "width": 1},
        },
        "text": [f"{wins:.0f} of {n}" for wins, n in counts],
        "hovertemplate": "%{text} trials succeed<extra></extra>",
        "customdata": configurations(table),
        "showlegend": False,
    }


def _grid(table: pd.DataFrame, across: AnyAxis, up: AnyAxis, value: str) -> tuple[list[float], list[float], np.ndarray]:
    wide = table.pivot_table(index=up.name, columns=across.name, values=value)
    return [float(at) for at in wide.columns], [float(at) for at in wide.index], wide.to_numpy(float)


def _cells(x: list[float], y: list[float], z: np.ndarray, across: AnyAxis, up: AnyAxis) -> Json:
    """Edges instead of centres, which Plotly would place as on a linear scale."""
    digits = 3 if np.abs(z).max() <= 1 else 1
    return {
        "type": "heatmap",
        "x": numbers(edges(across, x), 4),
        "y": numbers(edges(up, y), 4),
        "z": [[round(float(one), digits) for one in row] for row in z],
    }


def _where(across: AnyAxis, up: AnyAxis) -> str:
    return f"{words(across.name)} %{{x:.2~g}}, {words(up.name)} %{{y:.2~g}}"
