"""The whole comparison of recipes, from the table of trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tune_stability.analysis.bands import Band, whole_number_bands
from tune_stability.analysis.basin import Basin, learning_rate_basin
from tune_stability.analysis.frames import Arms, independent, judge, require_columns, success_arrays
from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region_mean import Design
from tune_stability.analysis.success_rate import success_rate
from tune_stability.analysis.widening import Widening, widening
from tune_stability.errors import UserError
from tune_stability.outcomes import FAILURE_MODES, SuccessRule
from tune_stability.spaces import SearchSpace

UNCLASSIFIED = "unclassified"


@dataclass(frozen=True)
class ArmSummary:
    """One recipe on its own: success rate, basin (None if the learning rate is no axis), and its trials.

    `failure_modes` counts failed design trials; `unclassified` are those that fail by the reader's rule but not by the
    rule under which they were stored. `n_trials` have an outcome; `missing` were planned and have none.
    """

    recipe: str
    success_rate: Interval
    basin: Basin | None
    failure_modes: dict[str, int]
    n_trials: int
    missing: int


@dataclass(frozen=True)
class BandComparison:
    """The widening within a band of `num_epochs`."""

    band: Band
    widening: Widening


@dataclass(frozen=True)
class Comparison:
    """Two recipes on their common configurations and seeds; `bands` is empty if `num_epochs` is no axis."""

    baseline: ArmSummary
    treatment: ArmSummary
    widening: Widening
    bands: tuple[BandComparison, ...]
    rule: SuccessRule

    @property
    def difference(self) -> Interval:
        """Success rate of the treatment minus that of the baseline, in [-1, 1]."""
        return self.widening.difference

    @property
    def ratio(self) -> Interval:
        """Success rate of the treatment divided by that of the baseline."""
        return self.widening.ratio


@dataclass(frozen=True)
class Summary:
    """Every recipe on all its own configurations, and each but the first compared with the first."""

    arms: tuple[ArmSummary, ...]
    comparisons: tuple[Comparison, ...]
    rule: SuccessRule


def compare(
    frame: pd.DataFrame,
    baseline: str,
    treatment: str,
    space: SearchSpace,
    design: Design = "sobol",
    rule: SuccessRule | None = None,
    rng: np.random.Generator | None = None,
) -> Comparison:
    """Compare two recipes on the configurations and seeds of the design that both have.

    `frame`: a row per trial. Adaptive rows are used by the rule `within` only. `design`: how the configurations
    were chosen. `rng` draws the basins' resamples, by default from seed 0. Raises `UserError` for bad input.
    """
    if baseline == treatment:
        raise UserError(f"baseline and treatment are both {baseline!r}; name two recipes.")
    rule = rule or SuccessRule()
    rng = rng if rng is not None else np.random.default_rng(0)
    frame = frame.reset_index(drop=True)
    arms = success_arrays(frame, (baseline, treatment), space, rule)
    first, second = arms.success[baseline], arms.success[treatment]
    bands = []
    if "num_epochs" in space.names:
        column = space.names.index("num_epochs")
        epochs = arms.configurations["num_epochs"].to_numpy()
        for band in whole_number_bands(space.axes[column]):
            inside = (epochs >= band.low) & (epochs <= band.high)
            points = arms.points[inside].copy()
            points[:, column] = (points[:, column] - band.start) / (band.end - band.start)
            part = None if arms.replicate is None else arms.replicate[inside]
            bands.append(
                BandComparison(band, widening(first[inside], second[inside], points.clip(0, 1), design, replicate=part))
            )
    kept = frame[frame["config_index"].isin(arms.configurations.index)]
    judged = judge(frame, rule)
    one, other = (_arm(kept, name, arms, space, design, judged, rng) for name in (baseline, treatment))
    return Comparison(
        one, other, widening(first, second, arms.points, design, replicate=arms.replicate), tuple(bands), rule
    )


def summarize(
    frame: pd.DataFrame,
    recipes: Sequence[str],
    space: SearchSpace,
    design: Design = "sobol",
    rule: SuccessRule | None = None,
    rng: np.random.Generator | None = None,
) -> Summary:
    """Every recipe on its own, and each but the first compared with the first, its baseline.

    Arguments as in `compare`. A recipe's own numbers use all its configurations, a comparison the common ones.
    """
    if not recipes or len(set(recipes)) < len(recipes):
        raise UserError(f"name at least one recipe, and each once, received {', '.join(recipes) or 'none'}.")
    rule = rule or SuccessRule()
    rng = rng if rng is not None else np.random.default_rng(0)
    frame = frame.reset_index(drop=True)
    judged = judge(frame, rule)
    summaries = []
    for name in recipes:
        arm = success_arrays(frame, (name,), space, rule)
        summaries.append(_arm(frame, name, arm, space, design, judged, rng))
    comparisons = tuple(compare(frame, recipes[0], name, space, design, rule, rng) for name in recipes[1:])
    return Summary(tuple(summaries), comparisons, rule)


def _arm(
    frame: pd.DataFrame,
    recipe: str,
    arms: Arms,
    space: SearchSpace,
    design: Design,
    judged: pd.Series[float],
    rng: np.random.Generator,
) -> ArmSummary:
    rate = success_rate(arms.success[recipe], arms.points, design, replicate=arms.replicate)
    basin = None
    if "learning_rate" in space.names:
        axis = space.axes[space.names.index("learning_rate")]
        basin = learning_rate_basin(
            arms.success[recipe],
            arms.configurations["learning_rate"].to_numpy(float),
            rng,
            limits=(axis.low, axis.high),
            resampled="seeds" if len(space.axes) == 1 else "configurations",
        )
    return ArmSummary(recipe, rate, basin, _failure_modes(frame, recipe, judged), rate.n_trials, rate.missing)


def _failure_modes(frame: pd.DataFrame, recipe: str, judged: pd.Series[float]) -> dict[str, int]:
    require_columns(frame, ("failure_mode",))
    own = (frame["recipe"] == recipe) & (frame["source"] == "design") & independent(frame)
    failed = own & (judged.loc[frame.index] == 0)
    modes = frame.loc[failed, "failure_mode"]
    counts = {mode: int((modes == mode).sum()) for mode in FAILURE_MODES}
    rest = int(failed.sum()) - sum(counts.values())
    return {**counts, UNCLASSIFIED: rest} if rest else counts
