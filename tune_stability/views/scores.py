"""The scores of each arm's trials, as boxes and as points."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_stability.views.design_trials import SCORES, design_trials
from tune_stability.views.rate_groups import group_rates
from tune_stability.views.study_view import StudyView

_BOX = ("n", "failed", "without_score", "mean", "q1", "median", "q3", "whisker_low", "whisker_high")


def score_table(view: StudyView) -> pd.DataFrame:
    """A row per arm and kind of score, as figure 1 of Mosbach et al. (2020) draws it.

    Columns: `recipe`, `column` (`score`, at the end of training, or `best_score`), `n` (trials with an outcome),
    `failed` by the view's rule, `without_score` (they diverged, and are in no box), `mean`, the quartiles `q1`,
    `median` and `q3`, `whisker_low` and `whisker_high` (the furthest scores within 1.5 times the box), `majority` and
    `metric`.
    """
    rows = design_trials(view)
    found = [
        {"recipe": recipe, "column": column, **_box(rows[rows["recipe"] == recipe], column)}
        for recipe in view.recipes
        for column in SCORES
    ]
    return _with_metric(pd.DataFrame(found, columns=["recipe", "column", *_BOX]), rows)


def rate_score_table(view: StudyView) -> pd.DataFrame:
    """A row per arm, group of learning rates and kind of score, as figures 5 and 6 of Mosbach et al. (2020) draw it.

    Columns: `recipe`, `group`, its `low` and `high` rate, then those of `score_table`. Empty if the learning rate is no
    axis.
    """
    rows = score_points(view)
    found = []
    if "learning_rate" in view.spec.space.names:
        for keys, own in _in_order(view, rows):
            found += [{**keys, "column": column, **_box(own, column)} for column in SCORES]
    return _with_metric(pd.DataFrame(found, columns=["recipe", "group", "low", "high", "column", *_BOX]), rows)


def score_points(view: StudyView) -> pd.DataFrame:
    """The design trials with the `group` of their learning rate and its `low` and `high`, if that is an axis."""
    rows = design_trials(view).reset_index(drop=True)
    names = view.spec.space.names
    if "learning_rate" not in names:
        return rows
    axis = view.spec.space.axes[names.index("learning_rate")]
    return rows.assign(**group_rates(rows["learning_rate"].to_numpy(float), axis))


def _in_order(view: StudyView, rows: pd.DataFrame) -> Iterator[tuple[dict[str, object], pd.DataFrame]]:
    for recipe in view.recipes:
        for keys, own in rows[rows["recipe"] == recipe].groupby(["group", "low", "high"]):
            yield {"recipe": recipe, **dict(zip(("group", "low", "high"), keys, strict=True))}, own


def _box(rows: pd.DataFrame, column: str) -> dict[str, float | int]:
    values = rows[column].to_numpy(float)
    scores = values[np.isfinite(values)]
    counts = {"n": len(rows), "failed": int((rows["success"] == 0).sum()), "without_score": len(rows) - len(scores)}
    if not len(scores):
        return counts | dict.fromkeys(_BOX[3:], np.nan)
    q1, median, q3 = np.quantile(scores, (0.25, 0.5, 0.75))
    low, high = _whiskers(scores, q1, q3)
    found = zip(_BOX[3:], (scores.mean(), q1, median, q3, low, high), strict=True)
    return counts | {name: float(value) for name, value in found}


def _whiskers(scores: NDArray[np.float64], q1: float, q3: float) -> tuple[float, float]:
    reach = 1.5 * (q3 - q1)
    inside = scores[(scores >= q1 - reach) & (scores <= q3 + reach)]
    # Between few scores a quartile may lie outside those within reach.
    return min(inside.min(), q1), max(inside.max(), q3)


def _with_metric(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    majority = float(rows["majority_score"].median()) if len(rows) else np.nan
    metric = str(rows["metric"].iloc[0]).replace("_", " ") if len(rows) else ""
    return table.assign(majority=majority, metric=metric)
