"""The numbers of a study as typed objects: each recipe on its own, and two of them compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tune_stability.analysis.arms import ArmSummary, arm_summary
from tune_stability.analysis.attribution import Attribution
from tune_stability.analysis.bands import Band, whole_number_bands
from tune_stability.analysis.factorial import attribute_widening
from tune_stability.analysis.frames import Arms, judge, success_arrays
from tune_stability.analysis.interval import Interval
from tune_stability.analysis.powered_frames import powered_widening
from tune_stability.analysis.region_mean import Design
from tune_stability.analysis.report import as_dict, as_frame, sentences
from tune_stability.analysis.widening import Widening, widening
from tune_stability.errors import UserError
from tune_stability.outcomes import SuccessRule
from tune_stability.spaces import SearchSpace


@dataclass(frozen=True)
class BandComparison:
    """The widening within a band of `num_epochs`."""

    band: Band
    widening: Widening


@dataclass(frozen=True)
class Comparison:
    """Two recipes on their common configurations and seeds.

    `bands` is empty if `num_epochs` is no axis. `attribution` is None unless the table has the recipes between the two.
    `prediction_powered` is None unless both have adaptive rows. `dropped` counts the configurations of one recipe
    alone, which are left out.
    """

    baseline: ArmSummary
    treatment: ArmSummary
    widening: Widening
    bands: tuple[BandComparison, ...]
    attribution: Attribution | None
    prediction_powered: Widening | None
    dropped: int
    rule: SuccessRule

    @property
    def difference(self) -> Interval:
        """Success rate of the treatment minus that of the baseline, in [-1, 1]."""
        return self.widening.difference

    @property
    def ratio(self) -> Interval:
        """Success rate of the treatment divided by that of the baseline."""
        return self.widening.ratio

    def intervals(self) -> list[tuple[str, str, Interval]]:
        """Every interval with its quantity and what it is of: an arm, both, a band of epochs or an ingredient."""
        arms = [
            (quantity, arm.recipe, interval)
            for arm in (self.baseline, self.treatment)
            for quantity, interval in arm.intervals().items()
        ]
        both = f"{self.treatment.recipe} over {self.baseline.recipe}"
        found = [*arms, ("widening", both, self.difference), ("ratio", both, self.ratio)]
        for part in self.bands:
            where = f"{both}, epochs {part.band}"
            found += [("widening", where, part.widening.difference), ("ratio", where, part.widening.ratio)]
        if self.prediction_powered is not None:
            powered = self.prediction_powered
            found += [
                ("prediction_powered_success_rate", self.baseline.recipe, powered.baseline),
                ("prediction_powered_success_rate", self.treatment.recipe, powered.treatment),
                ("prediction_powered_widening", both, powered.difference),
            ]
        if self.attribution is not None:
            found += [("shapley_value", name, interval) for name, interval in self.attribution.shapley.items()]
            found += [
                ("shapley_interaction", " and ".join(pair), interval)
                for pair, interval in self.attribution.interactions.items()
            ]
        return found

    def to_frame(self) -> pd.DataFrame:
        """A row per number, with the columns `quantity`, `of` and the fields of an `Interval`."""
        return as_frame(self.intervals())

    def to_dict(self) -> dict[str, object]:
        """All of it as plain data that JSON takes; what is infinite or does not exist is None."""
        modes = {arm.recipe: arm.failure_modes for arm in (self.baseline, self.treatment)}
        numbers = as_dict(self.intervals())
        return {"rule": str(self.rule), "dropped": self.dropped, "failure_modes": modes, "numbers": numbers}

    def summary(self) -> str:
        """The comparison in sentences, with the numbers that a paper prints."""
        return sentences(self)


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
    n_resamples: int = 1000,
    with_region: bool = False,
) -> Comparison:
    """Compare two recipes on the configurations and seeds of the design that both have.

    `frame`: a row per trial. Adaptive rows are used by the rule `within` and by the prediction-powered widening only.
    `design`: how the configurations were chosen. `rng` draws the resamples, by default from seed 0; `n_resamples`
    are those of each basin. `with_region` adds the region at one half from a fitted surface, which takes seconds.
    Raises `UserError` for bad input.
    """
    rule = rule or SuccessRule()
    rng = rng if rng is not None else np.random.default_rng(0)
    frame = frame.reset_index(drop=True)

    def arm(name: str, arms: Arms, rows: pd.DataFrame, judged: pd.Series[float]) -> ArmSummary:
        return arm_summary(rows, name, arms, space, design, judged, rng, n_resamples, with_region)

    return _compare(frame, baseline, treatment, space, design, rule, arm)


def summarize(
    frame: pd.DataFrame,
    recipes: Sequence[str],
    space: SearchSpace,
    design: Design = "sobol",
    rule: SuccessRule | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = 1000,
    with_region: bool = False,
) -> Summary:
    """Every recipe on its own, and each but the first compared with the first, its baseline.

    Arguments as in `compare`. A recipe's own numbers use all its configurations, a comparison the common ones.
    """
    if not recipes or len(set(recipes)) < len(recipes):
        raise UserError(f"name at least one recipe, and each once, received {', '.join(recipes) or 'none'}.")
    rule = rule or SuccessRule()
    rng = rng if rng is not None else np.random.default_rng(0)
    frame = frame.reset_index(drop=True)
    own = {name: success_arrays(frame, (name,), space, rule) for name in recipes}
    judged = judge(frame, rule)
    summaries = {
        name: arm_summary(frame, name, arms, space, design, judged, rng, n_resamples, with_region)
        for name, arms in own.items()
    }

    def arm(name: str, arms: Arms, rows: pd.DataFrame, judged: pd.Series[float]) -> ArmSummary:
        # Where the common configurations are all that the recipe has, its numbers are known.
        if np.array_equal(arms.success[name], own[name].success[name], equal_nan=True):
            return summaries[name]
        return arm_summary(rows, name, arms, space, design, judged, rng, n_resamples, False)

    comparisons = tuple(_compare(frame, recipes[0], name, space, design, rule, arm) for name in recipes[1:])
    return Summary(tuple(summaries.values()), comparisons, rule)


def _compare(
    frame: pd.DataFrame,
    baseline: str,
    treatment: str,
    space: SearchSpace,
    design: Design,
    rule: SuccessRule,
    arm: Callable[[str, Arms, pd.DataFrame, pd.Series[float]], ArmSummary],
) -> Comparison:
    """As `compare`; `arm` summarizes one of the arms from its rows and all rows' success."""
    if baseline == treatment:
        raise UserError(f"baseline and treatment are both {baseline!r}; name two recipes.")
    arms = success_arrays(frame, (baseline, treatment), space, rule)
    first, second = arms.success[baseline], arms.success[treatment]
    kept = frame[frame["config_index"].isin(arms.configurations.index)]
    judged = judge(frame, rule)
    one, other = (arm(name, arms, kept, judged) for name in (baseline, treatment))
    return Comparison(
        one,
        other,
        widening(first, second, arms.points, design, replicate=arms.replicate),
        tuple(_bands(arms, baseline, treatment, space, design)),
        _attribution(frame, baseline, treatment, space, design, rule),
        powered_widening(frame, arms, baseline, treatment, space, design, judged),
        arms.dropped,
        rule,
    )


def _bands(arms: Arms, baseline: str, treatment: str, space: SearchSpace, design: Design) -> list[BandComparison]:
    if "num_epochs" not in space.names:
        return []
    column = space.names.index("num_epochs")
    epochs = arms.configurations["num_epochs"].to_numpy()
    bands = []
    for band in whole_number_bands(space.axes[column]):
        inside = (epochs >= band.low) & (epochs <= band.high)
        points = arms.points[inside].copy()
        points[:, column] = (points[:, column] - band.start) / (band.end - band.start)
        replicate = None if arms.replicate is None else arms.replicate[inside]
        pair = arms.success[baseline][inside], arms.success[treatment][inside]
        bands.append(BandComparison(band, widening(*pair, points.clip(0, 1), design, replicate=replicate)))
    return bands


def _attribution(
    frame: pd.DataFrame, baseline: str, treatment: str, space: SearchSpace, design: Design, rule: SuccessRule
) -> Attribution | None:
    if frame["recipe"].nunique() < 4:
        return None
    try:
        found = attribute_widening(frame, baseline, treatment, space, design, rule)[1]
    except UserError:
        # The recipes between the two were not run, or not on the same configurations.
        return None
    return found if len(found.shapley) > 1 else None
