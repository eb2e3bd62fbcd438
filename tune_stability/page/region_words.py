"""What the pictures of a region have in common: which arms, the rows behind them, and words for what is held."""

from __future__ import annotations

import pandas as pd

from tune_stability.hyperparameters import Value
from tune_stability.plots.space_axes import at_value
from tune_stability.views import StudyView
from tune_stability.views.space_parts import own_values

DESIGN_ROWS = "trials[trials['source'] == 'design']"


def shown_arms(view: StudyView, table: pd.DataFrame) -> list[str]:
    """The recipes to show: the arms of the design, or those of a search without one, in the study's order."""
    named = [recipe.name for recipe in view.spec.recipes]
    return list(view.recipes) or [name for name in named if (table["recipe"] == name).any()]


def rows_of(view: StudyView, recipe: str) -> str:
    """The pandas expression of the rows of one arm."""
    design = "(trials['source'] == 'design') & " if view.recipes else ""
    return f"trials[{design}(trials['recipe'] == {recipe!r})]"


def held_words(view: StudyView, held: dict[str, Value]) -> str:
    """The held values in words, and why those."""
    axes = {axis.name: axis for axis in view.spec.space.axes}
    parts = []
    for name, value in held.items():
        is_own = own_values(view, view.recipes, axes[name]) == [value]
        parts.append(f"{at_value(name, value)} ({'as published' if is_own else 'the middle of the axis'})")
    return " and ".join(parts)
