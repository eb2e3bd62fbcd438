"""Why trials failed, in counts."""

from __future__ import annotations

import pandas as pd

from tune_stability.outcomes import AT_CHANCE, VANISHED
from tune_stability.page.blocks import Json, Numbers, Picture, Section, Text
from tune_stability.page.labels import design_rows, plotly_text, unbroken
from tune_stability.page.marks import numbers
from tune_stability.plots.failure_modes import MODE_STYLES
from tune_stability.plots.space_axes import words
from tune_stability.views import StudyView, failure_mode_table

MEANINGS = {
    "success": "The score at the end of training meets the success rule.",
    "diverged": "The loss or a gradient is not finite, or there is no score.",
    "vanishing_gradients": "The training loss stays at chance, and the gradients of the lower layers stay under "
    f"{VANISHED:g} times what they were at the start.",
    "undertrained": "The training loss is still at chance, with gradients alive.",
    "no_generalization": f"The training loss is under {AT_CHANCE:g} times chance; the score is not better for it.",
    "unclassified": "Failed by this success rule, a success by the rule under which it was stored.",
}
"""What an outcome or a failure mode is, in a sentence."""


def section(view: StudyView) -> Section:
    """How the trials of each arm ended, and what each failure mode means."""
    if view.summary is None:
        return Section("failure-modes", "Failure modes")
    table = failure_mode_table(view)
    failed = table.loc[table["mode"] != "success", "trials"].any()
    first = _bars(view, table) if failed else Text("No trial failed by this success rule.")
    return Section("failure-modes", "Failure modes", (first, _counts(table), _meanings(table)))


def _bars(view: StudyView, table: pd.DataFrame) -> Picture:
    recipes = [plotly_text(recipe, breaks=True) for recipe in view.recipes]
    data = []
    for mode, rows in table.groupby("mode", sort=False):
        if rows["trials"].any():
            data.append(_bar(str(mode), rows, recipes))
    said = "; ".join(_said(recipe, rows) for recipe, rows in table.groupby("recipe", sort=False))
    return Picture(
        "failure-modes",
        "How the trials ended",
        f"Stacked bars of the share of trials by how they ended: {said}.",
        data,
        {
            "barmode": "stack",
            "xaxis": {"title": {"text": "share of trials, %"}, "range": [0, 100]},
            "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False},
            "legend": {"traceorder": "normal"},
        },
        table,
        f"{design_rows(view)}.groupby(['recipe', 'failure_mode'], dropna=False).size()",
        height=150 + 52 * len(recipes),
        note="Of the design rows with an outcome; the shares of a recipe add up to 100 %.",
    )


def _bar(mode: str, rows: pd.DataFrame, recipes: list[str]) -> Json:
    colour, hatch = MODE_STYLES[mode]
    shares = 100 * rows["share"].to_numpy(float)
    return {
        "type": "bar",
        "orientation": "h",
        "name": plotly_text(words(mode)),
        "x": numbers(shares),
        "y": recipes,
        "text": [f"{share:.0f} %" if share >= 6 else "" for share in shares],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": "#1b1f24"},
        "customdata": [[int(count)] for count in rows["trials"]],
        "hovertemplate": "%{y}: %{customdata[0]} trials, %{x:.1f} %<extra>%{fullData.name}</extra>",
        "marker": {
            "color": colour,
            "line": {"color": "rgba(255,255,255,0.7)", "width": 1},
            "pattern": {
                "fillmode": "overlay",
                "shape": hatch,
                "fgcolor": "rgba(255,255,255,0.75)",
                "size": 8,
                "solidity": 0.18,
            },
        },
    }


def _said(recipe: object, rows: pd.DataFrame) -> str:
    ends = [row for row in rows.to_dict("records") if row["trials"]]
    shares = ", ".join(f"{row['mode'].replace('_', ' ')} {100 * row['share']:.1f} %" for row in ends)
    return f"{recipe} {shares}"


def _counts(table: pd.DataFrame) -> Numbers:
    rows = []
    for mode, own in table.groupby("mode", sort=False):
        row = {"outcome or failure mode": unbroken(str(mode).replace("_", " "))}
        for one in own.to_dict("records"):
            row[one["recipe"]] = unbroken(f"{one['trials']:,} ({100 * one['share']:.1f} %)")
        rows.append(row)
    return Numbers("Outcomes and failure modes", pd.DataFrame(rows))


def _meanings(table: pd.DataFrame) -> Numbers:
    modes = table["mode"].unique()
    rows = [{"outcome or failure mode": unbroken(mode.replace("_", " ")), "meaning": MEANINGS[mode]} for mode in modes]
    return Numbers("What they mean", pd.DataFrame(rows))
