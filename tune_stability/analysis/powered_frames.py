"""From the table of trials to the prediction-powered widening."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tune_stability.analysis.frames import Arms, check_single, single_configurations
from tune_stability.analysis.prediction_powered import Rows, prediction_powered_widening
from tune_stability.analysis.region_mean import Design
from tune_stability.analysis.unit_cube import unit_points
from tune_stability.analysis.widening import Widening
from tune_stability.spaces import SearchSpace


def powered_widening(
    frame: pd.DataFrame,
    arms: Arms,
    baseline: str,
    treatment: str,
    space: SearchSpace,
    design: Design,
    judged: pd.Series[float],
) -> Widening | None:
    """The widening from design rows and adaptive rows, None unless both arms have adaptive rows with an outcome.

    `frame`: a row per trial, `judged` their success, `arms` the design rows' arrays.
    """
    rows = frame.assign(success=judged)[(frame["source"] == "adaptive") & judged.notna()]
    both = []
    for name in (baseline, treatment):
        adaptive = adaptive_rows(rows[rows["recipe"] == name], space)
        if adaptive is None or len(arms.points) < 2:
            return None
        both.append((Rows(arms.success[name], arms.points), adaptive))
    return prediction_powered_widening(both[0], both[1], design, replicate=arms.replicate)


def adaptive_rows(rows: pd.DataFrame, space: SearchSpace) -> Rows | None:
    """One arm's adaptive trials with an outcome, by configuration; None if there are none.

    Raises `UserError` as `success_arrays` does.
    """
    if not len(rows):
        return None
    check_single(rows)
    rows = rows.sort_values(["config_index", "seed"])
    configurations = single_configurations(rows, space)
    column = rows.groupby("config_index").cumcount().to_numpy()
    success = np.full((len(configurations), int(column.max()) + 1), np.nan)
    success[configurations.index.get_indexer(pd.Index(rows["config_index"])), column] = rows["success"]
    return Rows(success, unit_points(configurations, space))
