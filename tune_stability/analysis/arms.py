"""One recipe on its own: how often, where and how well it works, and what that means for a budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tune_stability.analysis.basin import Basin, Resampled, learning_rate_basin
from tune_stability.analysis.budget import trials_needed
from tune_stability.analysis.expected_best import expected_bests
from tune_stability.analysis.frames import Arms, independent, require_columns
from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region import region_at
from tune_stability.analysis.region_mean import Design
from tune_stability.analysis.sensitivity import learning_rate_sensitivity
from tune_stability.analysis.success_rate import success_rate
from tune_stability.analysis.surface import fit_surface
from tune_stability.outcomes import FAILURE_MODES
from tune_stability.spaces import SearchSpace

UNCLASSIFIED = "unclassified"
BUDGETS = (1, 2, 4, 8, 16, 32)
"""Numbers of trials whose expected best score is told, as far as there are eight times as many configurations."""
MOST_CONFIGS = 512
"""What takes time with the square of the configurations uses the first so many, which are a design too."""
REGION_TAU = 0.5


@dataclass(frozen=True)
class ArmSummary:
    """What one recipe shows; every number from design rows.

    `basin` and `sensitivity` are None if the learning rate is no axis; `region` if it was not asked for or no trial has
    an outcome. `trials_needed` is for a 95 % chance of one success, `expected_best` the mean best score by the
    number of trials. `failure_modes` counts failed trials; `unclassified` are those that fail by the reader's
    rule but not by the rule under which they were stored. `n_trials` have an outcome; `missing` were planned and have
    none.
    """

    recipe: str
    success_rate: Interval
    basin: Basin | None
    region: Interval | None
    trials_needed: Interval
    expected_best: dict[int, Interval]
    sensitivity: Interval | None
    failure_modes: dict[str, int]
    n_trials: int
    missing: int

    def intervals(self) -> dict[str, Interval]:
        """Every interval by the name of its quantity."""
        found = {"success_rate": self.success_rate}
        if self.basin is not None:
            found |= {f"basin_{name}": getattr(self.basin, name) for name in ("lower", "upper", "width")}
        if self.region is not None:
            found[f"region_at_{REGION_TAU:g}"] = self.region
        found["trials_needed"] = self.trials_needed
        found |= {f"expected_best_of_{n}": interval for n, interval in self.expected_best.items()}
        if self.sensitivity is not None:
            found["learning_rate_sensitivity"] = self.sensitivity
        return found


def arm_summary(
    frame: pd.DataFrame,
    recipe: str,
    arms: Arms,
    space: SearchSpace,
    design: Design,
    judged: pd.Series[float],
    rng: np.random.Generator,
    n_resamples: int,
    with_region: bool,
) -> ArmSummary:
    """The summary of one of the `arms`. `frame` has its rows, `judged` their success; the rest as in `compare`."""
    success, first = arms.success[recipe], slice(0, MOST_CONFIGS)
    scores, few = arms.scores[recipe][first], success[first]
    replicate = None if arms.replicate is None else arms.replicate[first]
    rate = success_rate(success, arms.points, design, replicate=arms.replicate)
    basin = sensitivity = region = None
    if "learning_rate" in space.names:
        axis = space.axes[space.names.index("learning_rate")]
        rates, limits = arms.configurations["learning_rate"].to_numpy(float), (axis.low, axis.high)
        resampled: Resampled = "seeds" if len(space.axes) == 1 else "configurations"
        basin = learning_rate_basin(
            success,
            rates,
            rng,
            limits=limits,
            resampled=resampled,
            n_resamples=n_resamples,
        )
        # A trial that diverged has no score; it counts as the worst.
        known = np.where(np.isnan(few), np.nan, np.where(np.isfinite(scores), scores, -np.inf))
        if np.isfinite(arms.majority):
            sensitivity = learning_rate_sensitivity(known, rates[first], rng, floor=arms.majority, limits=limits)
    budgets = [n for n in BUDGETS if n == 1 or 8 * n <= len(few)] if np.isfinite(arms.majority) else []
    best = {}
    if budgets:
        best = expected_bests(
            scores, few, budgets, arms.points[first], design, majority=arms.majority, replicate=replicate
        )
    if with_region and rate.n_trials:
        region = region_at(fit_surface(few, arms.points[first]), REGION_TAU, rng)
    return ArmSummary(
        recipe,
        rate,
        basin,
        region,
        trials_needed(success, arms.points, design, replicate=arms.replicate),
        best,
        sensitivity,
        _failure_modes(frame, recipe, judged),
        rate.n_trials,
        rate.missing,
    )


def _failure_modes(frame: pd.DataFrame, recipe: str, judged: pd.Series[float]) -> dict[str, int]:
    require_columns(frame, ("failure_mode",))
    own = (frame["recipe"] == recipe) & (frame["source"] == "design") & independent(frame)
    failed = own & (judged.loc[frame.index] == 0)
    modes = frame.loc[failed, "failure_mode"]
    counts = {mode: int((modes == mode).sum()) for mode in FAILURE_MODES}
    rest = int(failed.sum()) - sum(counts.values())
    return {**counts, UNCLASSIFIED: rest} if rest else counts
