"""Compare two arms of stored studies: two recipes, or one recipe on two models or tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tune_stability.analysis.compare import Comparison
from tune_stability.analysis.compare import compare as compare_frames
from tune_stability.analysis.region_mean import Design
from tune_stability.analysis.unit_cube import expressed_in
from tune_stability.errors import UserError
from tune_stability.outcomes import SuccessRule
from tune_stability.sampling.enumeration import design_to_analyse
from tune_stability.store import load_results, read_study

if TYPE_CHECKING:
    import pandas as pd

    from tune_stability.studies import StudySpec


def compare(
    results: str | Path,
    *,
    baseline: str,
    treatment: str,
    other: str | Path | None = None,
    rule: str = "majority",
    seed: int = 0,
) -> Comparison:
    """The comparison of the recipe `treatment` with the recipe `baseline` of a stored study.

    `results` is the study's folder or URL. `other` is that of the treatment if it is another study, of another model or
    task: both must have the same design (sampler, seed, replicates) over axes of the same names, so that a
    configuration of one is a configuration of the other, in shares of each axis. `rule` as in `--success-rule`.
    `seed` draws the resamples. Raises `UserError` for bad input.
    """
    spec, parsed = read_study(str(results)), SuccessRule.parse(rule)
    frame = load_results(results)
    design = _design(spec, frame)
    if other is not None:
        others, of_other = load_results(other), read_study(str(other))
        frame, baseline, treatment = _together(spec, frame, of_other, others, baseline, treatment)
        # If one of two grids is not whole, neither is what both have.
        design = design if design == _design(of_other, others) else "random"
        if parsed.kind == "within":
            raise UserError("the rule within takes the best score of one study; give majority or margin for two.")
    if design is None:
        raise UserError(f"{results} is a search by {spec.sampler}, which has no design rows; run the sampler sobol.")
    rng = np.random.default_rng(seed)
    return compare_frames(frame, baseline, treatment, spec.space, design, parsed, rng, with_region=True)


def _design(spec: StudySpec, frame: pd.DataFrame) -> Design | None:
    return design_to_analyse(spec, int((frame["status"] == "completed").sum()))


def _together(
    spec: StudySpec, frame: pd.DataFrame, other: StudySpec, others: pd.DataFrame, baseline: str, treatment: str
) -> tuple[pd.DataFrame, str, str]:
    """One table of both arms, named by recipe, model and task, with the other's configurations in the first's space."""
    import pandas as pd

    for name in ("sampler", "design_seed", "replicates"):
        if getattr(spec, name) != getattr(other, name):
            raise UserError(
                f"both studies need the same design; their {name} is {getattr(spec, name)!r} and "
                f"{getattr(other, name)!r}."
            )
    if spec.space.names != other.space.names:
        raise UserError(
            f"both studies need the same axes, received {', '.join(spec.space.names)} and "
            f"{', '.join(other.space.names)}."
        )
    labels = [f"{recipe} ({of.model}, {of.task})" for recipe, of in ((baseline, spec), (treatment, other))]
    if labels[0] == labels[1]:
        raise UserError(f"both arms are {labels[0]}; name two recipes, or studies of two models or tasks.")
    parts = []
    for label, recipe, rows, space in (
        (labels[0], baseline, frame, spec.space),
        (labels[1], treatment, others, other.space),
    ):
        if recipe not in set(rows["recipe"].unique()):
            raise UserError(f"there is no recipe {recipe!r} in the study of {label.split(' (')[1].rstrip(')')}.")
        parts.append(expressed_in(rows[rows["recipe"] == recipe].assign(recipe=label), space, spec.space))
    return pd.concat(parts, ignore_index=True), labels[0], labels[1]
