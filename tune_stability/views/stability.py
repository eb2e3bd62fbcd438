"""Table 1 of Mosbach et al. (2020): how the scores of each arm spread."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tune_stability.analysis import Interval, stability
from tune_stability.views.design_trials import SCORES
from tune_stability.views.scores import score_points
from tune_stability.views.study_view import StudyView

REGION, OWN_RATE, BEST_RATE = "region", "own rate", "best rate"
QUANTITIES = ("std", "mean", "median")
_EQUAL = 1e-9
_CHOSEN = "The rate was chosen by these same scores, which flatters them."
_SPREAD = "The trials are of different configurations, so their spread is not that of seeds."


@dataclass(frozen=True)
class _Place:
    """Trials that belong together. `is_point`: all are of one configuration, so that they differ by seed alone."""

    where: str
    rows: pd.DataFrame
    low: float = math.nan
    high: float = math.nan
    is_point: bool = False


def stability_table(view: StudyView) -> pd.DataFrame:
    """A row per arm, place and kind of score.

    Columns: `recipe`; `where`: `region`, all design rows; `own rate`, the rate nearest to the recipe's own, where the
    learning rate is the only axis; `best rate`, the rate, or else the bin of rates, with the highest median score;
    `low` and `high` of its rates; `column` as in `score_table`; `n` and `failed`; `std`, `mean`, `median` with
    `_low`, `_high` and `_trusted`; `max`; and a `note` that says why what is not trusted is not.

    Intervals are those of `analysis.stability`, over seeds, so only of one configuration and of the score at the end of
    training; that of the mean over the region is that of the expected best of one trial. Elsewhere they are NaN.
    """
    points = score_points(view)
    found = [
        {"recipe": recipe, **_row(view, recipe, place, column)}
        for recipe in view.recipes
        for place in _places(view, recipe, points[points["recipe"] == recipe])
        for column in SCORES
    ]
    limits = [f"{name}{end}" for name in QUANTITIES for end in ("", "_low", "_high", "_trusted")]
    columns = ["recipe", "where", "low", "high", "column", "n", "failed", *limits, "max", "note"]
    return pd.DataFrame(found, columns=columns)


def _places(view: StudyView, recipe: str, rows: pd.DataFrame) -> Iterator[_Place]:
    yield _Place(REGION, rows)
    names = view.spec.space.names
    if "learning_rate" not in names or rows.empty:
        return
    if len(names) > 1:
        low, high = _best(rows, ["low", "high"])
        yield _Place(BEST_RATE, rows[rows["low"] == low], low, high)
        return
    (own,) = (view.spec.hyperparameters(one).learning_rate for one in view.spec.recipes if one.name == recipe)
    rates = rows["learning_rate"].to_numpy(float)
    near = float(rates[np.abs(np.log(rates / own)).argmin()])
    (best,) = _best(rows, ["learning_rate"])
    for where, rate in ((OWN_RATE, near), (BEST_RATE, best)):
        yield _Place(where, rows[rates == rate], rate, rate, is_point=True)


def _best(rows: pd.DataFrame, keys: list[str]) -> tuple[float, ...]:
    """The key with the highest median score, of several with the same the one with the highest mean."""
    # A trial that diverged has no score; it counts as the worst.
    scores = rows.assign(median=rows["score"].fillna(-np.inf), mean=rows["score"])
    order = scores.groupby(keys).agg({"median": "median", "mean": "mean"}).sort_values(["median", "mean"])
    key = order.index[-1]
    return key if isinstance(key, tuple) else (float(key),)


def _row(view: StudyView, recipe: str, place: _Place, column: str) -> dict[str, object]:
    rows, scores = place.rows, place.rows[column].to_numpy(float)
    known = scores[np.isfinite(scores)]
    row: dict[str, object] = {
        "where": place.where,
        "low": place.low,
        "high": place.high,
        "column": column,
        "n": len(rows),
        "failed": int((rows["success"] == 0).sum()),
        "max": known.max() if len(known) else math.nan,
    }
    if place.is_point and column == "score":
        return row | _over_seeds(view, recipe, place)
    plain = (
        known.std(ddof=1) if len(known) > 1 else math.nan,
        known.mean() if len(known) else math.nan,
        np.median(known) if len(known) else math.nan,
    )
    for name, value in zip(QUANTITIES, plain, strict=True):
        row |= _limits(name, float(value), math.nan, math.nan, False)
    if place.where == REGION and column == "score":
        row |= _mean_of_region(view, recipe, row["mean"])
    return row | {"note": "" if place.is_point else _SPREAD}


def _mean_of_region(view: StudyView, recipe: str, mean: object) -> dict[str, object]:
    """The mean's limits, if it is the expected best of one trial: none without a score, configurations alike."""
    for arm in view.summary.arms if view.summary else ():
        one = arm.expected_best.get(1)
        if arm.recipe == recipe and one is not None and one.trustworthy and abs(one.estimate - float(mean)) < _EQUAL:  # type: ignore[arg-type]
            return _limits("mean", one.estimate, one.low, one.high, True)
    return {}


def _over_seeds(view: StudyView, recipe: str, place: _Place) -> dict[str, object]:
    success = place.rows["success"].to_numpy(float)
    rng, scores = np.random.default_rng(view.spec.design_seed), place.rows["score"].to_numpy(float)
    found = stability(scores, success, rng, majority=view.arms[recipe].majority)
    row: dict[str, object] = {}
    notes = []
    for name in QUANTITIES:
        one: Interval = getattr(found, name)
        if place.where == BEST_RATE:
            one = one.distrusted(_CHOSEN)
        row |= _limits(name, one.estimate, one.low, one.high, one.trustworthy)
        notes += [one.note] if not one.trustworthy else []
    return row | {"note": " ".join(dict.fromkeys(notes))}


def _limits(name: str, value: float, low: float, high: float, trusted: bool) -> dict[str, object]:
    # An infinite limit says nothing.
    return {
        name: value,
        f"{name}_low": low if math.isfinite(low) else math.nan,
        f"{name}_high": high if math.isfinite(high) else math.nan,
        f"{name}_trusted": trusted,
    }
