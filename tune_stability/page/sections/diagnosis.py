"""Why runs fail: inside chosen trials, and where all of them ended."""

from __future__ import annotations

import pandas as pd

from tune_stability.page.blocks import Block, Choice, Row, Section, Text, bold
from tune_stability.page.labels import metric_name, number, trial_name
from tune_stability.page.sections.ends import ends
from tune_stability.page.sections.failure_modes import MEANINGS
from tune_stability.page.sections.training import curve_pictures, gradient_picture
from tune_stability.page.trials import records
from tune_stability.plots.space_axes import words
from tune_stability.views import StudyView, gradient_table, training_curve_table


def section(view: StudyView) -> Section:
    """For each failure mode a failed trial beside a successful one; then the score of all against training loss."""
    if view.completed.empty:
        return Section("failures", "Why runs fail", (Text("No trial has an outcome yet."),))
    blocks: list[Block] = [Text(_counted(view))]
    gradients, curves = gradient_table(view), training_curve_table(view)
    options = tuple(
        (words(str(mode)), _of_mode(view, chosen, *(t[t["failure_mode"] == mode] for t in (gradients, curves))))
        for mode, chosen in view.chosen.groupby("failure_mode", sort=False)
    )
    blocks += [Choice("Failure mode", options)] if len(options) > 1 else [block for _, own in options for block in own]
    return Section("failures", "Why runs fail", (*blocks, ends(view)))


def _counted(view: StudyView) -> str:
    modes = view.completed["failure_mode"].value_counts()
    if modes.empty:
        return f"{bold('No failure')} to explain: all {len(view.completed):,} trials with an outcome beat the majority."
    counts = ", ".join(f"{bold(words(str(mode)))} {count:,}" for mode, count in modes.items())
    return (
        f"Of {len(view.completed):,} trials with an outcome {modes.sum():,} failed by the rule majority, by which the "
        f"failure modes are told apart: {counts}."
    )


def _of_mode(view: StudyView, chosen: pd.DataFrame, gradients: pd.DataFrame, curves: pd.DataFrame) -> tuple[Block, ...]:
    blocks: list[Block] = [Text(_introduced(view, chosen))]
    if gradients.empty:
        blocks.append(Text("No gradients were recorded in these trials."))
    else:
        pictures = tuple(gradient_picture(view, row, gradients) for row in records(chosen))
        blocks.append(Row("Gradient norms", pictures, "Before clipping; the lowest layers are darkest."))
    if not curves.empty:
        blocks.append(Row("Loss and score", curve_pictures(view, chosen, curves)))
    return tuple(blocks)


def _introduced(view: StudyView, chosen: pd.DataFrame) -> str:
    how = {
        ("failed", "success"): "The failed trial of median learning rate, and the successful one nearest to it",
        ("failed",): "The failed trial of median learning rate; no trial of this study succeeded",
        ("success",): "The successful trial of median learning rate",
    }[tuple(chosen["part"])]
    said = " against ".join(
        f"{trial_name(view, row)} ({metric_name(view)} {number(row['score'])} at the end)" for row in records(chosen)
    )
    return f"{MEANINGS.get(chosen['failure_mode'].iloc[0], '')} {how}: {said}.".strip()
