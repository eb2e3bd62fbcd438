"""A comparison as a table, as plain data and in sentences."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from tune_stability.analysis.interval import Interval

if TYPE_CHECKING:
    from tune_stability.analysis.compare import Comparison

Named = Sequence[tuple[str, str, Interval]]


def as_frame(intervals: Named) -> pd.DataFrame:
    """A row per interval: `quantity`, `of`, and the fields of the interval."""
    rows = [{"quantity": quantity, "of": of, **dataclasses.asdict(one)} for quantity, of, one in intervals]
    return pd.DataFrame(rows)


def as_dict(intervals: Named) -> list[dict[str, object]]:
    """The same rows as plain data that JSON takes."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in as_frame(intervals).to_dict("records")]


def sentences(comparison: Comparison) -> str:
    """What the comparison shows, as a paper would print it. What is not trustworthy is said to be so."""
    base, other = comparison.baseline, comparison.treatment
    difference, ratio = comparison.difference, comparison.ratio
    said = []
    if base.n_trials and other.n_trials:
        said.append(
            f"{base.recipe} succeeds in {_text(base.success_rate, 'percent')} of the region and {other.recipe} in "
            f"{_text(other.success_rate, 'percent')} ({_level(difference)} intervals; success rule: {comparison.rule})."
        )
    if difference.n_trials:
        said.append(
            f"The region widens by {_text(difference, 'points')}"
            + (f", {_text(ratio, 'plain', 2)} times" if math.isfinite(ratio.estimate) else "")
            + f", over {difference.n_configs} configurations with {difference.n_trials} pairs of trials"
            + (f", {difference.missing} more being missing." if difference.missing else ".")
        )
    else:
        said.append(
            f"None of {difference.missing} pairs of trials of {base.recipe} and {other.recipe} has an outcome in both "
            "arms, so the widening is unknown."
        )
    if comparison.dropped:
        said.append(f"Left out are {comparison.dropped} configurations that only one of the two recipes has.")
    if comparison.prediction_powered is not None and difference.n_trials:
        powered = comparison.prediction_powered.difference
        said.append(f"With the adaptive rows, prediction-powered, it widens by {_text(powered, 'points')}.")
    for arm in (base, other):
        if arm.basin is not None and arm.basin.found:
            lower, upper = (_rate(edge) for edge in (arm.basin.lower, arm.basin.upper))
            said.append(
                f"At one half, the learning-rate basin of {arm.recipe} spans {lower} to {upper}, "
                f"{_text(arm.basin.width, 'plain', 2)} decades (model-based)."
            )
        if math.isfinite(arm.trials_needed.estimate):
            needed = _text(arm.trials_needed, "plain", 0)
            said.append(f"A 95 % chance of one success takes {needed} random trials of {arm.recipe}.")
    if comparison.attribution is not None and comparison.attribution.widening.n_trials:
        shares = [f"{name} {_text(one, 'points')}" for name, one in comparison.attribution.shapley.items()]
        said.append(f"Shapley values of the widening: {', '.join(shares)}.")
    return "\n".join(said)


def _text(interval: Interval, unit: str, digits: int | None = None) -> str:
    if not interval.trustworthy:
        shown = dataclasses.replace(interval, trustworthy=True).format(unit, digits)  # type: ignore[arg-type]
        return f"{shown} (interval not trustworthy)"
    return interval.format(unit, digits)  # type: ignore[arg-type]


def _rate(edge: Interval) -> str:
    return f"{edge.estimate:.2g} [{edge.low:.2g}, {edge.high:.2g}]{'' if edge.trustworthy else ' (not trustworthy)'}"


def _level(interval: Interval) -> str:
    return f"{interval.level:.0%}".replace("%", " %")


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
