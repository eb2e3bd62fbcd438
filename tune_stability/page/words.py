"""How the page writes names, numbers and trials."""

from __future__ import annotations

from typing import Any

import numpy as np

from tune_stability.page.blocks import Json
from tune_stability.views import StudyView


def words(name: Any) -> str:
    """A column's, metric's or failure mode's name as words."""
    return str(name).replace("_", " ")


def number(value: Any) -> str:
    """A number to three digits; anything else as it is."""
    if not isinstance(value, (float, np.floating)):
        return str(value)
    return f"{value:.3g}" if np.isfinite(value) else "not finite"


def metric_name(view: StudyView) -> str:
    """What the scores measure. The study has a trial with an outcome."""
    return words(view.completed["metric"].iloc[0])


def trial_name(view: StudyView, row: Json) -> str:
    """A trial by its recipe, its place in the space and its seed."""
    at = ", ".join(f"{words(name)} {number(row[name])}" for name in view.spec.space.names)
    return f"{row['recipe']} at {at}, seed {row['seed']}"


def arm_names(view: StudyView) -> list[str]:
    """All recipes that have trials; those that are compared come first and so keep their colours."""
    return list(dict.fromkeys([*view.recipes, *view.trials["recipe"]]))
