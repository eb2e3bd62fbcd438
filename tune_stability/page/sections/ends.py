"""Where all trials ended: their score against their training loss."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tune_stability.page.blocks import Json, Picture, Text
from tune_stability.page.labels import arm_names, metric_name, plotly_text
from tune_stability.page.marks import majority_line, numbers
from tune_stability.page.trials import embedded, points
from tune_stability.plots.style import arm_styles
from tune_stability.views import StudyView, score_loss_table

_SYMBOLS = {"success": "circle", "failed": "x"}


def ends(view: StudyView) -> Picture | Text:
    """The score of each trial that the page carries against its training loss (the right of the paper's figure 8)."""
    table = score_loss_table(view)
    shown = table[table["trial_id"].isin(embedded(view.trials)["trial_id"])]
    finite = shown[np.isfinite(shown["train_loss"]) & np.isfinite(shown["score"])]
    if finite.empty:
        return Text("No trial has both a finite training loss and a finite score.")
    losses = {"title": {"text": "training loss over the last epoch, nats"}}
    if (finite["train_loss"] > 0).all():
        losses |= {"type": "log", "exponentformat": "power"}  # type: ignore[dict-item]
    return Picture(
        "score-against-loss",
        "Score against training loss",
        f"Points of {len(finite):,} trials, {metric_name(view)} at the end of training against training loss. By the "
        f"rule {view.rule}, {_medians(finite)}.",
        _marks(finite, arm_names(view)),
        {
            "xaxis": losses,
            "yaxis": {"title": {"text": plotly_text(metric_name(view))}},
            **majority_line(view.completed),
        },
        finite,
        "trials[trials['status'] == 'completed'][['train_loss', 'score']]",
        height=460,
        note=_note(len(table), len(shown), len(finite)),
    )


def _marks(table: pd.DataFrame, arms: list[str]) -> list[Json]:
    marks = _legend()
    for recipe, (colour, _) in arm_styles(arms).items():
        of_arm = table[table["recipe"] == recipe]
        outcomes = [outcome for outcome in _SYMBOLS if (of_arm["outcome"] == outcome).any()]
        for outcome in outcomes:
            rows = of_arm[of_arm["outcome"] == outcome]
            marks.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": plotly_text(recipe),
                    # One entry of the legend stands for both outcomes of an arm.
                    "legendgroup": recipe,
                    "showlegend": outcome == outcomes[0],
                    "x": numbers(rows["train_loss"]),
                    "y": numbers(rows["score"]),
                    "marker": {"color": colour, "symbol": _SYMBOLS[outcome], "size": 8, "opacity": 0.75},
                    "customdata": points(rows),
                    "hovertemplate": f"%{{y:.3g}} at loss %{{x:.3g}}<extra>%{{fullData.name}}, {outcome}</extra>",
                }
            )
    return marks


def _legend() -> list[Json]:
    """What the symbols mean: entries of the legend without a point."""
    common = {"type": "scatter", "mode": "markers", "x": [None], "y": [None], "hoverinfo": "skip"}
    return [
        {**common, "name": outcome, "marker": {"color": "#808890", "symbol": symbol, "size": 8}}
        for outcome, symbol in _SYMBOLS.items()
    ]


def _medians(table: pd.DataFrame) -> str:
    said = []
    for outcome, name in (("success", "successful"), ("failed", "failed")):
        losses = table.loc[table["outcome"] == outcome, "train_loss"]
        said.append(
            f"the {len(losses):,} {name} have a median training loss of {losses.median():.3g} nats"
            if len(losses)
            else f"none is {name}"
        )
    return ", ".join(said)


def _note(n_trials: int, n_shown: int, n_finite: int) -> str:
    said = "A disc succeeded and a cross failed, by the rule chosen above."
    if n_shown < n_trials:
        said += f" Of {n_trials:,} trials {n_shown:,} are shown, by whole configurations."
    if n_finite < n_shown:
        said += f" {n_shown - n_finite:,} without a finite loss and score have no place."
    return said
