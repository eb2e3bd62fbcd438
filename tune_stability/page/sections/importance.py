"""Which axes of the space decide success and the score."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tune_stability.page.blocks import Block, Picture, Section, Text
from tune_stability.page.labels import plotly_text
from tune_stability.page.marks import arm_marks, numbers
from tune_stability.plots.places import slots
from tune_stability.plots.space_axes import words
from tune_stability.views import StudyView, importance_table

_TARGETS = {"success": "success", "score": "a high score"}


def section(view: StudyView) -> Section:
    """The importance of each axis for success and for the score, per arm; empty where one axis has all of it."""
    if not view.recipes or len(view.spec.space.axes) < 2:
        return Section("importance", "Importance")
    table = importance_table(view)
    blocks: list[Block] = [Text(_what(view, table))]
    for target, said in _TARGETS.items():
        rows = table[(table["target"] == target) & np.isfinite(table["importance"].astype(float))]
        if len(rows):
            blocks.append(_picture(view, rows, target, said))
        else:
            blocks.append(Text(f"No axis decides {said}: all trials are alike, or at one configuration."))
    return Section("importance", "Importance", tuple(blocks))


def _picture(view: StudyView, table: pd.DataFrame, target: str, said: str) -> Picture:
    names, marks = list(view.spec.space.names), arm_marks(view.recipes)
    offsets, _ = slots(view.recipes)
    data = []
    for recipe, rows in table.groupby("recipe", sort=False):
        colour, symbol = marks[str(recipe)]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": plotly_text(recipe),
                "x": numbers(100 * rows["importance"].to_numpy(float)),
                "y": numbers([names.index(name) + offsets[str(recipe)] for name in rows["hyperparameter"]]),
                "text": [plotly_text(words(name)) for name in rows["hyperparameter"]],
                "marker": {"color": colour, "symbol": symbol, "size": 12},
                "hovertemplate": "%{text}: %{x:.1f} %<extra>%{fullData.name}</extra>",
                "showlegend": True,
            }
        )
    shares = "; ".join(_shares(str(recipe), rows) for recipe, rows in table.groupby("recipe", sort=False))
    return Picture(
        f"importance-{target}",
        f"Importance for {said}",
        f"Points of the importance of each hyperparameter for {said}: {shares}.",
        data,
        {
            "xaxis": {"title": {"text": f"importance for {said}, %"}, "range": [-3, 103]},
            "yaxis": {
                "tickvals": list(range(len(names))),
                "ticktext": [plotly_text(words(name)) for name in names],
                "range": [len(names) - 0.5, -0.5],
                "showgrid": False,
                "zeroline": False,
            },
        },
        table,
        f"importance(trials, read_study(...).space, SuccessRule.parse('{view.rule}'), evaluators=('ped_anova',))",
        height=130 + 24 * len(names) * max(2, len(view.recipes)),
        note="Estimates without intervals (?).",
    )


def _shares(recipe: str, rows: pd.DataFrame) -> str:
    pairs = zip(rows["hyperparameter"], rows["importance"], strict=True)
    return f"{recipe} {', '.join(f'{name} {100 * value:.0f} %' for name, value in pairs)}"


def _what(view: StudyView, table: pd.DataFrame) -> str:
    used = int(table["n_configs"].max())
    every = view.trials.loc[view.trials["source"] == "design", "config_index"].nunique()
    of = f" They are of {used:,} of the {every:,} configurations." if used < every else ""
    return (
        "How much each hyperparameter of the space decides by itself, in shares that add up to 100 % per recipe; "
        "interactions are in none of them. By Optuna's PED-ANOVA (Watanabe et al. 2023). No interval of an importance "
        f"can be trusted, so these describe the trials and promise nothing about new ones.{of}"
    )
