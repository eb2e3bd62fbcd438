"""The success rate of each arm, and how far each widens the region, as tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pandas as pd

from tune_stability.analysis import Interval
from tune_stability.views.study_view import StudyView


def rate_table(view: StudyView) -> pd.DataFrame:
    """A row per arm: `recipe` and the fields of the interval of its success rate, in [0, 1]."""
    arms = view.summary.arms if view.summary else ()
    return interval_table([{"recipe": arm.recipe} for arm in arms], [arm.success_rate for arm in arms], ["recipe"])


def widening_table(view: StudyView) -> pd.DataFrame:
    """A row per comparison with the baseline, rows used and band of epochs: `recipe`, `baseline`, `rows` (`design`, or
    `design and adaptive` where these are prediction-powered), `epochs` (`all` first), and the interval of the widening,
    in [-1, 1]."""
    keys, intervals = [], []
    for comparison in view.summary.comparisons if view.summary else ():
        parts = [("design", "all", comparison.widening)]
        if comparison.prediction_powered is not None:
            parts.append(("design and adaptive", "all", comparison.prediction_powered))
        parts += [("design", str(part.band), part.widening) for part in comparison.bands]
        of = {"recipe": comparison.treatment.recipe, "baseline": comparison.baseline.recipe}
        for rows, epochs, widening in parts:
            keys.append({**of, "rows": rows, "epochs": epochs})
            intervals.append(widening.difference)
    return interval_table(keys, intervals, ["recipe", "baseline", "rows", "epochs"])


def interval_table(
    keys: Sequence[Mapping[str, object]], intervals: Sequence[Interval], names: Sequence[str]
) -> pd.DataFrame:
    """A row per interval: its key, whose columns are `names`, and its fields. Has its columns even without a row."""
    fields = [field.name for field in dataclasses.fields(Interval)]
    rows = [{**key, **dataclasses.asdict(one)} for key, one in zip(keys, intervals, strict=True)]
    return pd.DataFrame(rows, columns=[*names, *fields])
