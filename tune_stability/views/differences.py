"""How far two studies differ: in the success rate of each recipe, and in the widening."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_stability.analysis import Design, Interval
from tune_stability.analysis.contrast import contrast_interval
from tune_stability.analysis.frames import independent
from tune_stability.analysis.region_mean import make_sample
from tune_stability.analysis.widening import difference_limits
from tune_stability.views.study_view import StudyView

Arm = tuple[str, str]
"""Which study, `first` or `second`, and which recipe of it."""


@dataclass(frozen=True)
class Difference:
    """A quantity in both studies and by how much it is larger in the second. `is_paired`: on the same configurations
    (in shares of each axis) and seeds."""

    quantity: str
    first: Interval
    second: Interval
    difference: Interval
    is_paired: bool


def study_differences(first: StudyView, second: StudyView) -> list[Difference]:
    """The success rate of each recipe that both studies have, and their widening if it is of the same recipes.

    Studies of one design are compared configuration by configuration and seed by seed. Others are taken as independent:
    MOVER limits without correlation (Zou and Donner 2008).
    """
    if first.summary is None or second.summary is None:
        return []
    rates = [{arm.recipe: arm.success_rate for arm in view.summary.arms} for view in (first, second) if view.summary]
    found = []
    for recipe in (name for name in first.recipes if name in second.recipes):
        weights = {("second", recipe): 1, ("first", recipe): -1}
        found.append(
            _difference(f"success rate of {recipe}", rates[0][recipe], rates[1][recipe], first, second, weights, 1.0)
        )
    one, other = first.main, second.main
    if one is None or other is None:
        return found
    baseline, treatment = one.baseline.recipe, one.treatment.recipe
    if (baseline, treatment) == (other.baseline.recipe, other.treatment.recipe):
        signs = {("second", treatment): 1, ("second", baseline): -1, ("first", treatment): -1, ("first", baseline): 1}
        found.append(
            _difference(
                f"widening of {treatment} over {baseline}", one.difference, other.difference, first, second, signs, 2.0
            )
        )
    return found


def has_same_design(first: StudyView, second: StudyView) -> bool:
    """Whether a configuration of one study is one of the other, in shares of each axis."""
    same = ("sampler", "design_seed", "replicates", "seed_scheme")
    return (
        first.design is not None
        and first.spec.space.names == second.spec.space.names
        and all(getattr(first.spec, name) == getattr(second.spec, name) for name in same)
    )


def _difference(
    quantity: str,
    first: Interval,
    second: Interval,
    one: StudyView,
    other: StudyView,
    weights: Mapping[Arm, int],
    size: float,
) -> Difference:
    if has_same_design(one, other) and one.design is not None:
        # A grid of which one study has a part only is a random sample to both.
        design = one.design if one.design == other.design else "random"
        paired = _paired(one, other, weights, size, design)
        if paired is not None:
            return Difference(quantity, first, second, paired, True)
    low, high = difference_limits(first, second, 0.0) if size == 1.0 else _wide_limits(first, second)
    counts = min(first.n_configs, second.n_configs), first.n_trials + second.n_trials, first.missing + second.missing
    apart = Interval(
        second.estimate - first.estimate, low, high, first.level, *counts, "MOVER, studies taken as independent"
    )
    doubts = [interval.note for interval in (first, second) if not interval.trustworthy]
    return Difference(quantity, first, second, apart.distrusted(" ".join(doubts)) if doubts else apart, False)


def _wide_limits(first: Interval, second: Interval) -> tuple[float, float]:
    """MOVER limits of the difference of two widenings, which lies in [-2, 2]."""
    estimate = second.estimate - first.estimate
    below = np.hypot(second.estimate - second.low, first.high - first.estimate)
    above = np.hypot(second.high - second.estimate, first.estimate - first.low)
    return max(estimate - float(below), -2.0), min(estimate + float(above), 2.0)


def _paired(
    first: StudyView, second: StudyView, weights: Mapping[Arm, int], size: float, design: Design
) -> Interval | None:
    """The contrast over the configurations that all arms have; None if there are fewer than two."""
    views = {"first": first, "second": second}
    cells = pd.concat({arm: _cells(views[arm[0]], arm[1]) for arm in weights}, axis=1).sort_index()
    having = cells.notna().groupby(level="config_index").any().all(axis=1)
    cells = cells[cells.index.get_level_values("config_index").isin(having.index[having])]
    # A seed that an arm lacks is missing in all of them.
    cells[cells.isna().any(axis=1)] = np.nan
    arms = first.arms[next(recipe for study, recipe in weights if study == "first")]
    rows = arms.configurations.index.get_indexer(pd.Index(cells.index.get_level_values("config_index").unique()))
    if len(rows) < 2:
        return None
    replicate = None if arms.replicate is None else arms.replicate[rows]
    sample = make_sample(arms.points[rows], len(rows), design, replicate)
    return contrast_interval({arm: _array(cells[arm]) for arm in weights}, weights, size, sample, 0.95)


def _cells(view: StudyView, recipe: str) -> pd.Series[float]:
    """Success by `config_index` and `seed`."""
    rows = view.judged[(view.judged["recipe"] == recipe) & (view.judged["source"] == "design")]
    return rows[independent(rows)].set_index(["config_index", "seed"])["success"]


def _array(cells: pd.Series[float]) -> NDArray[np.float64]:
    """The same as an array of shape `(n_configs, n_seeds)`, NaN where a configuration has fewer seeds."""
    column = cells.groupby(level="config_index").cumcount()
    return (
        cells.to_frame("success")
        .assign(column=column)
        .reset_index()
        .pivot(index="config_index", columns="column", values="success")
        .to_numpy(float)
    )
