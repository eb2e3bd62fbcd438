"""Which arms of a study are the corners of a full factorial, and the attribution of the widening between them."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import pandas as pd

from tune_stability.analysis.attribution import Attribution, Ingredients, attribution
from tune_stability.analysis.frames import require_columns, success_arrays
from tune_stability.analysis.region_mean import Design
from tune_stability.errors import UserError, unknown_name
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES
from tune_stability.outcomes import SuccessRule
from tune_stability.spaces import SearchSpace

Settings = Mapping[str, Hashable]


@dataclass(frozen=True)
class Factorial:
    """The arm for every set of ingredients; an ingredient is a hyperparameter, and having it is the treatment's value.

    `levels` has each ingredient's value without and with it.
    """

    baseline: str
    treatment: str
    levels: dict[str, tuple[Hashable, Hashable]]
    corners: dict[Ingredients, str]


def attribute_widening(
    frame: pd.DataFrame,
    baseline: str,
    treatment: str,
    space: SearchSpace,
    design: Design = "sobol",
    rule: SuccessRule | None = None,
) -> tuple[Factorial, Attribution]:
    """The attribution of the widening from `baseline` to `treatment` to the hyperparameters in which they differ.

    `frame`: a row per trial; only design rows are used. The other arguments as in `compare`. Raises `UserError` if an
    arm between the two was not run.
    """
    factorial = find_factorial(arm_settings(frame, space), baseline, treatment)
    arms = success_arrays(frame.reset_index(drop=True), tuple(factorial.corners.values()), space, rule)
    success = {ingredients: arms.success[recipe] for ingredients, recipe in factorial.corners.items()}
    return factorial, attribution(success, arms.points, design, replicate=arms.replicate)


def find_factorial(arms: Mapping[str, Settings], baseline: str, treatment: str) -> Factorial:
    """The arms with every mix of the values in which `baseline` and `treatment` differ; other arms are left aside.

    `arms`: each recipe's settings, the same hyperparameters for all, without the axes of the space. Of recipes with the
    same settings the first is taken. Raises `UserError` for an unknown recipe, two that do not differ, or a mix
    that no arm has.
    """
    for name in (baseline, treatment):
        if name not in arms:
            raise unknown_name("recipe", name, arms)
    first, second = arms[baseline], arms[treatment]
    names = sorted(name for name in first if first[name] != second[name])
    if not names:
        raise UserError(
            f"{baseline!r} and {treatment!r} differ in nothing but the space's axes; name two recipes that differ."
        )
    corners = {}
    for size in range(len(names) + 1):
        for chosen in map(frozenset, itertools.combinations(names, size)):
            mix = {**first, **{name: second[name] for name in chosen}}
            found = [recipe for recipe, settings in arms.items() if settings == mix]
            if not found:
                shown = ", ".join(f"{name}={mix[name]}" for name in names)
                raise UserError(
                    f"attribution from {baseline!r} to {treatment!r} needs {2 ** len(names)} recipes, and none of "
                    f"{', '.join(arms)} has {shown}; run that recipe too."
                )
            # The two that were named stand for their own corners.
            corners[chosen] = {0: baseline, len(names): treatment}.get(size, found[0])
    return Factorial(baseline, treatment, {name: (first[name], second[name]) for name in names}, corners)


def arm_settings(frame: pd.DataFrame, space: SearchSpace) -> dict[str, Settings]:
    """Each recipe's hyperparameters in the table of trials, without the axes of the space.

    Raises `UserError` without design rows, and if a recipe has several values of one that is no axis.
    """
    require_columns(frame, ("recipe", "source"))
    names = [name for name in HYPERPARAMETER_NAMES if name in frame.columns and name not in space.names]
    rows = frame.loc[frame["source"] == "design", ["recipe", *names]].drop_duplicates()
    if not len(rows):
        raise UserError("the table of trials has no design rows; run a design, such as the sampler sobol.")
    twice = rows["recipe"].duplicated()
    if twice.any():
        recipe = rows["recipe"][twice].iloc[0]
        own = rows[rows["recipe"] == recipe]
        several = ", ".join(name for name in names if own[name].nunique(dropna=False) > 1)
        raise UserError(
            f"recipe {recipe!r} has several values of {several}, which the space {space.name!r} does not span; "
            "take the space that the trials came from, and one study's."
        )
    return {str(row.pop("recipe")): row for row in rows.to_dict("records")}  # type: ignore[misc]
