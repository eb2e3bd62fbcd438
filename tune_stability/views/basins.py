"""The learning-rate basin of each arm: its edges and width, and the curve of success that they are read from."""

from __future__ import annotations

import pandas as pd

from tune_stability.analysis import success_curve
from tune_stability.views.rates import interval_table
from tune_stability.views.study_view import StudyView

_CURVE = ("learning_rate", "probability", "low", "high")


def basin_table(view: StudyView) -> pd.DataFrame:
    """Three rows per arm with a basin, one per `quantity`: `lower` and `upper` edge, a learning rate, and `width` in
    decades.

    Columns: `recipe`, `quantity`, `found` (whether there is a basin), `inside` (whether the edge lies inside the space;
    of a width whether both do) and the fields of the interval.
    """
    keys, intervals = [], []
    for arm in view.summary.arms if view.summary else ():
        basin = arm.basin
        if basin is None:
            continue
        inside = {"lower": basin.lower_inside, "upper": basin.upper_inside}
        inside["width"] = all(inside.values())
        for quantity in ("lower", "upper", "width"):
            keys.append({"recipe": arm.recipe, "quantity": quantity, "found": basin.found, "inside": inside[quantity]})
            intervals.append(getattr(basin, quantity))
    return interval_table(keys, intervals, ["recipe", "quantity", "found", "inside"])


def basin_curve_table(view: StudyView) -> pd.DataFrame:
    """A row per arm and learning rate: the fitted `probability` of success, `low` and `high` of its 95 % band.

    The band holds at each learning rate for itself; `note` says where it is too narrow. Model-based, averaged over
    whatever else the space spans. An arm with fewer than five learning rates has no rows.
    """
    space, tables = view.spec.space, []
    for name, arms in view.arms.items() if "learning_rate" in space.names else ():
        axis = space.axes[space.names.index("learning_rate")]
        curve = success_curve(
            arms.success[name],
            arms.configurations["learning_rate"].to_numpy(float),
            (axis.low, axis.high),
            observed="seeds" if len(space.axes) == 1 else "configurations",
        )
        if curve is not None:
            values = (curve.learning_rates, curve.probability, curve.low, curve.high)
            tables.append(pd.DataFrame({"recipe": name, **dict(zip(_CURVE, values, strict=True)), "note": curve.note}))
    return (
        pd.concat(tables, ignore_index=True)
        if tables
        else pd.DataFrame(columns=["recipe", *_CURVE, "note"]).astype(dict.fromkeys(_CURVE, float))
    )
