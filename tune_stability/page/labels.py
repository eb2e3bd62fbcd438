"""Names and numbers as the sections write them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tune_stability.analysis import Interval
from tune_stability.plots.space_axes import at_value
from tune_stability.views import StudyView


def plotly_text(name: object, breaks: bool = False) -> str:
    """Text from a study that Plotly shows as it is, not as tags.

    `breaks` gives the parts of a recipe's, hyperparameter's or quantity's long name a line each.
    """
    shown = str(name).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if not breaks:
        return shown
    for part, broken in (("+", "+<br>"), ("_", "<br>"), (" of ", " of<br>"), (" over ", "<br>over ")):
        shown = shown.replace(part, broken)
    return shown


def with_limits(value: float, low: float, high: float, is_trusted: bool, digits: int = 3) -> str:
    """An estimate and its limits, as in `0.259 [0.138, 0.267]`.

    A `?` ends what is not trusted; without limits there is the estimate alone.
    """
    if not math.isfinite(value):
        return "-"
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{value:.{digits}f}"
    return unbroken(f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]{'' if is_trusted else ' ?'}")


def unbroken(text: str) -> str:
    """Text of a cell that stays on one line."""
    return text.replace(" ", "\u00a0")


def whole_trials(interval: Interval) -> str:
    """A number of trials with its interval, in words where there is no end to it."""
    if math.isnan(interval.estimate):
        return "-"
    mark = "" if interval.trustworthy else " ?"
    if math.isinf(interval.estimate):
        return f"at least {interval.low:.0f}: no trial succeeded{mark}"
    high = "more" if math.isinf(interval.high) else f"{interval.high:.0f}"
    return f"{interval.estimate:.0f} [{interval.low:.0f}, {high}]{mark}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it; `-` if unknown or endless."""
    if not math.isfinite(seconds) or seconds <= 0:
        return "-"
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2g} seconds" if seconds < 10 else f"{seconds:.0f} seconds"


def number(value: Any) -> str:
    """A number to three digits; anything else as it is."""
    if not isinstance(value, (float, np.floating)):
        return str(value)
    return f"{value:.3g}" if math.isfinite(value) else "not finite"


def metric_name(view: StudyView) -> str:
    """What the scores measure. The study has a trial with an outcome."""
    return str(view.completed["metric"].iloc[0]).replace("_", " ")


def trial_name(view: StudyView, row: Mapping[str, Any]) -> str:
    """A trial by its recipe, its place in the space and its seed."""
    at = ", ".join(at_value(name, row[name]) for name in view.spec.space.names)
    return f"{row['recipe']} at {at}, seed {row['seed']}"


def arm_names(view: StudyView) -> list[str]:
    """All recipes of the study, so that each has its colour whichever are shown."""
    return list(dict.fromkeys([*view.recipes, *view.trials["recipe"]]))


def design_rows(view: StudyView) -> str:
    """The pandas expression of the design rows with an outcome, of the trials that the success rates count."""
    conditions = ["(trials['source'] == 'design')", "(trials['status'] == 'completed')"]
    if view.spec.seed_scheme == "factorial":
        conditions += [f"(trials['{part}_seed'] == trials['data_seed'])" for part in ("init", "dropout")]
    return f"trials[{' & '.join(conditions)}]"
