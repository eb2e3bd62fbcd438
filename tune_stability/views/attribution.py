"""How much of the widening each ingredient of the treatment brings, and which recipes must be run to know it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Hashable

import pandas as pd

from tune_stability.analysis import Interval
from tune_stability.recipes import RECIPES, Recipe
from tune_stability.views.rates import interval_table
from tune_stability.views.study_view import StudyView

RATE, INGREDIENT, REST = "rate", "ingredient", "rest"
Settings = dict[str, Hashable]
_ROUNDING = 5e-4


def attribution_table(view: StudyView) -> pd.DataFrame:
    """The steps from the baseline's success rate to that of the treatment, largest first between the two.

    Columns: `kind` (`rate` of an arm, Shapley value of an `ingredient`, or the `rest`), `step` (its recipe or
    hyperparameter), `without` and `having` (the ingredient's values in baseline and treatment, as text), and the fields
    of the interval, in [-1, 1]. The rest is what the widening has over the sum of the values, where some recipe lacks
    trials that others have; without an interval. Empty if the study has no attribution.
    """
    main = view.main
    if main is None or main.attribution is None:
        return interval_table([], [], ["kind", "step", "without", "having"])
    values = sorted(main.attribution.shapley.items(), key=lambda item: -item[1].estimate)
    levels = ingredients(view)
    steps: list[tuple[str, str, Interval]] = [(RATE, main.baseline.recipe, main.widening.baseline)]
    steps += [(INGREDIENT, name, interval) for name, interval in values]
    rest = main.difference.estimate - sum(interval.estimate for _, interval in values)
    if abs(rest) > _ROUNDING:
        steps.append((REST, "trials that not all recipes have", _alone(main.difference, rest)))
    steps.append((RATE, main.treatment.recipe, main.widening.treatment))
    keys = []
    for kind, step, _ in steps:
        # As text, or whole numbers would become others beside shares.
        without, having = map(str, levels[step]) if kind == INGREDIENT else ("", "")
        keys.append({"kind": kind, "step": step, "without": without, "having": having})
    return interval_table(keys, [interval for _, _, interval in steps], ["kind", "step", "without", "having"])


def interaction_table(view: StudyView) -> pd.DataFrame:
    """A row per pair of ingredients: `first`, `second`, and the interval of their Shapley interaction, in [-2, 2]."""
    found = view.main.attribution.interactions if view.main is not None and view.main.attribution is not None else {}
    keys = [{"first": first, "second": second} for first, second in found]
    return interval_table(keys, list(found.values()), ["first", "second"])


def ingredients(view: StudyView) -> dict[str, tuple[Hashable, Hashable]]:
    """The ingredients: what the treatment has otherwise than the baseline, and the space does not span.

    The values of baseline and treatment by hyperparameter; empty without two arms.
    """
    if view.main is None:
        return {}
    known = {recipe.name: recipe for recipe in view.spec.recipes}
    first, second = (_settings(view, known[arm.recipe]) for arm in (view.main.baseline, view.main.treatment))
    return {name: (first[name], second[name]) for name in sorted(first) if first[name] != second[name]}


def lacking_recipes(view: StudyView) -> list[tuple[str, Settings]]:
    """The mixes of ingredients that no recipe of the study has.

    Of each the name of the built-in recipe that is that mix, or "", and the value of each ingredient; those with a name
    come first.
    """
    levels = ingredients(view)
    if not levels or view.main is None:
        return []
    known = {recipe.name: recipe for recipe in view.spec.recipes}
    base = _settings(view, known[view.main.baseline.recipe])
    own = [_settings(view, recipe) for recipe in view.spec.recipes]
    built_in = {name: _settings(view, recipe) for name, recipe in RECIPES.items()}
    found = []
    for chosen in itertools.product((0, 1), repeat=len(levels)):
        mix = {name: values[place] for (name, values), place in zip(levels.items(), chosen, strict=True)}
        whole = {**base, **mix}
        if whole not in own:
            names = [name for name, settings in built_in.items() if settings == whole]
            found.append((names[0] if names else "", mix))
    return sorted(found, key=lambda one: not one[0])


def _settings(view: StudyView, recipe: Recipe) -> Settings:
    everything = dataclasses.asdict(view.spec.hyperparameters(recipe))
    return {name: value for name, value in everything.items() if name not in view.spec.space.names}


def _alone(interval: Interval, estimate: float) -> Interval:
    nan = float("nan")
    return dataclasses.replace(interval, estimate=estimate, low=nan, high=nan, trustworthy=False, note="")
