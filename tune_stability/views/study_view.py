"""A study as one success rule judges it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
import pandas as pd

from tune_stability.analysis import Arms, Comparison, Design, Summary, Surface, fit_surface, judge, summarize
from tune_stability.analysis.arms import MOST_CONFIGS
from tune_stability.analysis.frames import success_arrays
from tune_stability.outcomes import SuccessRule
from tune_stability.studies import StudySpec
from tune_stability.views.chosen import chosen_trials


@dataclass(frozen=True)
class StudyView:
    """What a reader sees of a study by `rule`.

    `trials` has a row per trial and `curves` and `gradients` the logged steps of some of them, as `load_results` gives
    them; `place` is how a command names the store. `command` is what made the page, `damage` what the store's reader
    warned of. `recipes` are the arms with completed design rows, the baseline first; `summary` is None if there is
    none, or if the study has no `design`.
    """

    spec: StudySpec
    trials: pd.DataFrame
    curves: pd.DataFrame
    gradients: pd.DataFrame
    place: str
    rule: SuccessRule
    recipes: tuple[str, ...]
    design: Design | None
    summary: Summary | None
    command: str = ""
    damage: tuple[str, ...] = ()

    @property
    def main(self) -> Comparison | None:
        """The comparison that the first screen shows: of the last recipe with the first."""
        return self.summary.comparisons[-1] if self.summary is not None and self.summary.comparisons else None

    @property
    def planned(self) -> int:
        """How many trials the study has when it is whole."""
        return self.spec.planned_trials

    @property
    def completed(self) -> pd.DataFrame:
        """The trials that have an outcome."""
        return self.judged[self.judged["status"] == "completed"]

    @cached_property
    def judged(self) -> pd.DataFrame:
        """The trials with a column `success`: 1.0, 0.0, or NaN without an outcome."""
        return self.trials.assign(success=judge(self.trials, self.rule))

    @cached_property
    def arms(self) -> dict[str, Arms]:
        """Each recipe's success array on all its own design configurations."""
        return {name: success_arrays(self.trials, [name], self.spec.space, self.rule) for name in self.recipes}

    @cached_property
    def chosen(self) -> pd.DataFrame:
        """The trials whose training is looked at, as `chosen_trials` gives them."""
        return chosen_trials(self.trials, self.spec.space)

    @cached_property
    def surfaces(self) -> dict[str, Surface]:
        """The surface fitted to each recipe, model-based; of its first `MOST_CONFIGS` configurations.

        An arm without an outcome there has none: of a factorial scheme, all its trials may share seeds.
        """
        found, first = {}, slice(0, MOST_CONFIGS)
        for name, arms in self.arms.items():
            if not np.isnan(arms.success[name][first]).all():
                found[name] = fit_surface(arms.success[name][first], arms.points[first])
        return found


def view_study(
    spec: StudySpec,
    trials: pd.DataFrame,
    curves: pd.DataFrame,
    gradients: pd.DataFrame,
    place: str,
    rule: SuccessRule,
    recipes: Sequence[str],
    design: Design | None,
) -> StudyView:
    """The view of a study by `rule`.

    `recipes`: the arms in order, the baseline first. `design`: how the configurations of the design rows were chosen,
    None if there is no design. Random numbers are drawn from the design's seed.
    """
    arms = _comparable(trials, recipes) if design is not None else []
    summary = None
    if arms:
        rng = np.random.default_rng(spec.design_seed)
        summary = summarize(trials, arms, spec.space, cast(Design, design), rule, rng)
    return StudyView(spec, trials, curves, gradients, place, rule, tuple(arms), design, summary)


def _comparable(trials: pd.DataFrame, recipes: Sequence[str]) -> list[str]:
    """The recipes that have completed design rows, on configurations that the first of them has too."""
    rows = trials[(trials["status"] == "completed") & (trials["source"] == "design")]
    having = {name: set(rows.loc[rows["recipe"] == name, "config_index"]) for name in recipes}
    found = [name for name in recipes if having[name]]
    return [name for name in found if having[name] & having[found[0]]]
