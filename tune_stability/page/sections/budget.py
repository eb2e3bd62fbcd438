"""What a number of trials brings with each arm."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from tune_stability.analysis import Interval
from tune_stability.page.blocks import Block, Json, Numbers, Picture, Section, Text
from tune_stability.page.labels import design_rows, duration, plotly_text, whole_trials
from tune_stability.page.marks import arm_marks, faint, numbers
from tune_stability.plots.budget import trusted_part
from tune_stability.plots.space_axes import words
from tune_stability.views import StudyView, expected_best_table, needed_table


def section(view: StudyView) -> Section:
    """The expected best score against the number of trials, and the trials that one success takes."""
    if view.summary is None:
        return Section("budget", "Budget")
    table = expected_best_table(view)
    known = table[np.isfinite(table["estimate"].astype(float))]
    blocks: list[Block] = [_expected_best(view, known)] if len(known) else [Text("No trial has a score to expect.")]
    blocks.append(_needed(view))
    return Section("budget", "Budget", tuple(blocks))


def _expected_best(view: StudyView, table: pd.DataFrame) -> Picture:
    marks, data = arm_marks(view.recipes), []
    for recipe in view.recipes:
        rows = table[table["recipe"] == recipe]
        if len(rows):
            data += _curve(rows, recipe, *marks[recipe])
    numbers_of_trials = sorted(table["n"].unique().tolist())
    majority = float(table["majority"].iloc[0])
    last = table.groupby("recipe", sort=False).tail(1)
    said = "; ".join(f"{row['recipe']} {row['estimate']:.3g} of {row['n']}" for row in last.to_dict("records"))
    metric = plotly_text(words(table["metric"].iloc[0]))
    return Picture(
        "expected-best",
        "Expected best score of a search",
        f"Lines of the expected best score against the number of trials: {said}.",
        data,
        {
            "xaxis": {
                "title": {"text": "trials at random configurations"},
                "type": "log",
                "tickvals": numbers_of_trials,
                "ticktext": [str(n) for n in numbers_of_trials],
                "range": [-0.04, float(np.log10(max(numbers_of_trials[-1], 2))) + 0.06],
            },
            "yaxis": {"title": {"text": f"expected best {metric}"}, "zeroline": False},
            "shapes": [
                {
                    **{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": majority, "y1": majority},
                    "line": {"color": "#7f8790", "width": 1.5, "dash": "dot"},
                }
            ],
        },
        table,
        f"{design_rows(view)}.groupby(['recipe', 'config_index'])['score']",
        height=340 + 20 * len(view.recipes),
        note="The mean over searches of the best of so many trials, each at a new random configuration. Bands are 95 % "
        "intervals. Where a line is dashed and its points are open, there are fewer than eight times as many "
        "configurations, or fewer than five successes, and no interval can be trusted. The dotted line is the majority "
        "score.",
    )


def _curve(rows: pd.DataFrame, recipe: str, colour: str, symbol: str) -> list[Json]:
    trusted, (places, low, high) = trusted_part(rows)
    name = plotly_text(recipe)
    line = {"type": "scatter", "name": name, "legendgroup": recipe, "hoverinfo": "skip", "showlegend": False}
    found = [
        {
            **line,
            "mode": "lines",
            "x": numbers([*places, *places[::-1]]),
            "y": numbers([*high, *low[::-1]]),
            "fill": "toself",
            "fillcolor": faint(colour),
            "line": {"width": 0},
        },
        {
            **line,
            "mode": "lines",
            "x": numbers(trusted["n"]),
            "y": numbers(trusted["estimate"]),
            "line": {"color": colour},
        },
    ]
    symbols = [symbol if is_trusted else f"{symbol}-open" for is_trusted in rows["trustworthy"]]
    dashed = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "legendgroup": recipe,
        "x": numbers(rows["n"]),
        "y": numbers(rows["estimate"]),
        "text": [_limits(row) for row in rows.to_dict("records")],
        "line": {"color": colour, "width": 1.5, "dash": "dash"},
        "marker": {"color": colour, "symbol": symbols, "size": 9},
        "hovertemplate": "best of %{x}: %{y:.3f} %{text}<extra>%{fullData.name}</extra>",
    }
    return [*found, dashed] if len(trusted) else [dashed]


def _limits(row: dict[Any, Any]) -> str:
    return f"[{row['low']:.3f}, {row['high']:.3f}]" if row["trustworthy"] else "?"


def _needed(view: StudyView) -> Numbers:
    table = needed_table(view)
    fields = [field.name for field in dataclasses.fields(Interval)]
    rows = []
    for row in table.to_dict("records"):
        interval, seconds = Interval(**{name: row[name] for name in fields}), row["seconds"]
        rows.append(
            {
                "recipe": row["recipe"],
                "trials for a 95 % chance of one success": whole_trials(interval),
                "mean time of a trial": duration(seconds),
                "time for them, one after another": duration(seconds * interval.estimate),
            }
        )
    return Numbers(
        "Trials needed",
        pd.DataFrame(rows),
        "Trials at random configurations of the whole region, with 95 % intervals. Times are those of this study's "
        "machines; recipes of more epochs take longer trials.",
    )
