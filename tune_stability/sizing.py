"""How large a study must be for an interval this narrow, and what that costs."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from typing import cast

import pandas as pd

from tune_stability.analysis import Design, look_level, look_sizes, success_arrays
from tune_stability.analysis.planning_sizes import PairedVariance, needed_configs, paired_variance, worst_case
from tune_stability.display.plan import PlannedSize
from tune_stability.outcomes import SuccessRule
from tune_stability.planning import seconds_per_effort
from tune_stability.sampling.enumeration import enumerate_trials
from tune_stability.stopping import STOPPING_DESIGNS
from tune_stability.store import Location, load_results
from tune_stability.studies import MAX_SEEDS, StopRule, StudySpec

WIDTHS = (0.20, 0.10, 0.05)
SEEDS = (1, 2, 3, 5)


def planned_sizes(
    received: StudySpec, location: Location, rule: SuccessRule, price_per_hour: float | None
) -> tuple[list[PlannedSize], str]:
    """Per width and number of seeds the size that is needed, and in a sentence what that was planned from.

    The width is that of the study's stop rule, or some usual ones. All widenings over the first recipe must be so
    narrow. Empty for a single recipe and for samplers that cannot grow or know no widening.
    """
    if received.sampler not in STOPPING_DESIGNS or len(received.recipes) < 2:
        return [], ""
    frame = load_results(location) if location.exists(location.study_file) else pd.DataFrame()
    variances = _from_pilot(received, frame, rule)
    widths = WIDTHS if received.stop_rule is None else (received.stop_rule.width,)
    trial = _seconds_per_trial(received, location)
    freedom = received.replicates - 1 if received.replicates > 1 else None
    sizes = []
    for width in widths:
        of_one = [
            _planned(received, frame, variances or [worst_case(freedom)], width, n_seeds, trial, price_per_hour)
            for n_seeds in sorted({*SEEDS, received.num_seeds})
        ]
        least = min((size.to_run for size in of_one if size.n_configs is not None), default=None)
        sizes += [dataclasses.replace(s, cheapest=s.n_configs is not None and s.to_run == least) for s in of_one]
    return sizes, _basis(received, variances)


def _from_pilot(received: StudySpec, frame: pd.DataFrame, rule: SuccessRule) -> list[PairedVariance]:
    """One for each widening, or none at all if any of them has too small a pilot."""
    baseline, *treatments = (recipe.name for recipe in received.recipes)
    if frame.empty:
        return []
    of_arms = frame[frame["source"] == "design"].groupby("recipe")["config_index"].agg(set)
    found = []
    for treatment in treatments:
        if not of_arms.get(baseline, set()) & of_arms.get(treatment, set()):
            return []
        arms = success_arrays(frame, (baseline, treatment), received.space, rule)
        pair = arms.success[baseline], arms.success[treatment]
        variance = paired_variance(*pair, arms.points, cast(Design, received.sampler), arms.replicate)
        if variance is None:
            return []
        found.append(variance)
    return found


def _planned(
    received: StudySpec,
    frame: pd.DataFrame,
    variances: Sequence[PairedVariance],
    width: float,
    n_seeds: int,
    seconds_per_trial: float | None,
    price_per_hour: float | None,
) -> PlannedSize:
    needed = [_configs(variance, width, n_seeds, received.stop_rule) for variance in variances]
    known = [count for count in needed if count is not None]
    if len(known) < len(needed):
        return PlannedSize(width, None, n_seeds, 0, 0, None, None, False)
    n_configs = max(known)
    each = dataclasses.replace(received, num_seeds=n_seeds).trials_per_configuration
    trials = n_configs * each * len(received.recipes)
    to_run = trials - _done(received, frame, n_configs, each)
    seconds = None if seconds_per_trial is None else to_run * seconds_per_trial
    cost = None if seconds is None or price_per_hour is None else seconds / 3600 * price_per_hour
    return PlannedSize(width, n_configs, n_seeds, trials, to_run, seconds, cost, False)


def _configs(variance: PairedVariance, width: float, n_seeds: int, rule: StopRule | None) -> int | None:
    """With a rule, the look at which the search is expected to stop; None if at none."""
    if rule is None:
        return needed_configs(variance, width, n_seeds)
    most = rule.max_configs
    for number, size in enumerate(look_sizes(most), 1):
        if variance.width(size, n_seeds, look_level(number, most)) <= width:
            return size
    return None


def _done(received: StudySpec, frame: pd.DataFrame, n_configs: int, each: int) -> int:
    """How many trials of a study of this size are stored."""
    if frame.empty:
        return 0
    # As `configuration_seeds` numbers them.
    inside = (frame["config_index"] < n_configs) & (frame["seed"] % MAX_SEEDS < each) & (frame["source"] == "design")
    own = frame["recipe"].isin([recipe.name for recipe in received.recipes])
    return int((inside & own & (frame["status"] == "completed")).sum())


def _seconds_per_trial(received: StudySpec, location: Location) -> float | None:
    per_effort = seconds_per_effort(received, location)
    if per_effort is None:
        return None
    few = dataclasses.replace(received, num_configs=min(64, received.num_configs), num_seeds=1)
    return per_effort * statistics.fmean(trial.hyperparameters.effort for trial in enumerate_trials(few))


def _basis(received: StudySpec, variances: Sequence[PairedVariance]) -> str:
    if variances:
        seeds = (
            ""
            if all(variance.within for variance in variances)
            else (" With one seed each they do not tell what more seeds would bring.")
        )
        basis = f"Planned from the {min(variance.pilot for variance in variances)} configurations that have run.{seeds}"
    else:
        basis = (
            "Planned for the worst case, where each configuration is sure to succeed in just one of the arms; "
            "run 16 configurations by 2 seeds and plan again, and it will be less."
        )
    if received.stop_rule is not None:
        basis += " The interval is that of --until-width, which holds whenever the search stops."
    return basis
