"""The fitted surface of each arm over two axes, where arms differ, and slices; all of it model-based."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tune_stability.analysis import slice_along
from tune_stability.analysis.slices import held_position
from tune_stability.hyperparameters import Value
from tune_stability.views.space_parts import held_point, held_values, places
from tune_stability.views.study_view import StudyView

ACROSS, UP = 60, 30
"""Up to so many cells a surface is drawn with."""


def surface_table(view: StudyView, across: str, up: str) -> pd.DataFrame:
    """A row per arm and cell of a grid over the axes `across` and `up`, which both are numbers.

    Columns: `recipe`, both axes, `probability` of success in [0, 1], and the other axes at the values of `held_values`.
    """
    space = view.spec.space
    held = held_values(view, (across, up))
    axis_across, axis_up = (space.axes[space.names.index(name)] for name in (across, up))
    at_across, at_up = places(axis_across, ACROSS), places(axis_up, UP)
    points = np.empty((len(at_up), len(at_across), len(space.axes)))
    points[..., space.names.index(across)] = at_across
    points[..., space.names.index(up)] = at_up[:, None]
    for axis in space.axes:
        if axis.name in held:
            points[..., space.names.index(axis.name)] = held_position(axis, held[axis.name])
    flat = points.reshape(-1, len(space.axes))
    columns = {
        across: np.tile([axis_across.value(float(u)) for u in at_across], len(at_up)),
        up: np.repeat([axis_up.value(float(u)) for u in at_up], len(at_across)),
    }
    tables = [
        pd.DataFrame({"recipe": name, **columns, "probability": surface.probability(flat), **held})
        for name, surface in view.surfaces.items()
    ]
    return pd.concat(tables, ignore_index=True) if tables else _none("recipe", across, up, "probability", *held)


def difference_table(surfaces: pd.DataFrame, baseline: str, treatment: str) -> pd.DataFrame:
    """A row per cell of a `surface_table`: `difference`, the treatment's probability minus that of the baseline.

    Columns: `baseline`, `treatment`, both axes, `difference` in [-1, 1], and the axes that are held.
    """
    across, up = surfaces.columns[1:3]
    both = {name: surfaces[surfaces["recipe"] == name].reset_index(drop=True) for name in (baseline, treatment)}
    difference = both[treatment]["probability"] - both[baseline]["probability"]
    first = both[treatment][[across, up]].assign(difference=difference)
    first = first.join(both[treatment].drop(columns=["recipe", across, up, "probability"]))
    first.insert(0, "baseline", baseline)
    first.insert(1, "treatment", treatment)
    return first


def slice_table(view: StudyView, along: str, at: dict[str, Value]) -> pd.DataFrame:
    """A row per arm and value of the axis `along`, with `at` and, for the axes that it leaves, `held_values`.

    Columns: `recipe`, `along`, `probability` of success, `low` and `high` of its pointwise 95 % band, the other axes.
    """
    held = {**held_values(view, (along, *at)), **at}
    point = held_point(view, held)
    tables = []
    for name, surface in view.surfaces.items():
        cut = slice_along(surface, view.spec.space, along, point, n=ACROSS)
        columns = {along: cut.values, "probability": cut.probability, "low": cut.low, "high": cut.high}
        tables.append(pd.DataFrame({"recipe": name, **columns, **held}))
    return (
        pd.concat(tables, ignore_index=True) if tables else _none("recipe", along, "probability", "low", "high", *held)
    )


def _none(*columns: str) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))
