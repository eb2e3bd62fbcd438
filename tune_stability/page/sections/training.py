"""Pictures of what happened while chosen trials trained."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tune_stability.page.blocks import Json, Picture
from tune_stability.page.labels import arm_names, metric_name, number, plotly_text, trial_name
from tune_stability.page.marks import majority_line, numbers
from tune_stability.page.trials import points, records
from tune_stability.plots.space_axes import words
from tune_stability.plots.style import arm_styles, depth_colours
from tune_stability.views import StudyView

_PART = {"failed": "failed", "success": "successful"}
_STEPS = {"title": {"text": "step"}, "rangemode": "tozero"}


def gradient_picture(view: StudyView, row: Json, table: pd.DataFrame) -> Picture:
    """The gradient norms of the layer groups in the trial of `row` (the paper's figure 4).

    `table`: the rows of its failure mode of `views.gradient_table`; all trials in it get the same range and colours.
    """
    groups = list(table["layer_group"].unique())
    own = table[table["part"] == row["part"]]
    colours = dict(zip(groups, depth_colours(len(groups)), strict=True))
    part = _PART[row["part"]]
    return Picture(
        f"gradients-{row['failure_mode']}-{row['part']}",
        f"The {part} trial",
        f"Lines of the gradient norm of {len(groups)} layer groups over the steps of the {part} trial. The median of "
        f"the lower layers is {number(row['gradient_start'])} over the first recorded steps and "
        f"{number(row['gradient_end'])} over the second half.",
        [_group_line(own[own["layer_group"] == group], plotly_text(words(group)), colours[group]) for group in groups],
        {"xaxis": _STEPS, "yaxis": _norm_axis(table["norm"])},
        own.pivot(index="step", columns="layer_group", values="norm").reindex(columns=groups).reset_index(),
        f"load_results({view.place!r}, table='gradients', trial_ids=[{row['trial_id']!r}])",
        height=400,
        note=f"{trial_name(view, row)}.",
    )


def curve_pictures(view: StudyView, chosen: pd.DataFrame, curves: pd.DataFrame) -> tuple[Picture, ...]:
    """The loss, and the validation score where there was an evaluation, over the steps of `chosen` trials."""
    names = {"loss": ("Training loss", "loss, nats"), "score": ("Validation score", metric_name(view))}
    return tuple(
        _curve_picture(view, chosen, curves[curves[column].notna()], column, *names[column])
        for column in names
        if curves[column].notna().any()
    )


def _group_line(rows: pd.DataFrame, name: str, colour: str) -> Json:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": rows["step"].tolist(),
        "y": numbers(rows["norm"].where(rows["norm"] > 0), digits=3),
        "line": {"color": colour, "width": 2},
        "marker": {"size": 3},
        "customdata": points(rows),
        "hovertemplate": "%{fullData.name}: %{y:.2g} at step %{x}<extra></extra>",
    }


def _norm_axis(norms: pd.Series[float]) -> Json:
    drawn = norms[np.isfinite(norms) & (norms > 0)]
    low, high = (np.log10([drawn.min(), drawn.max()]) if len(drawn) else (-1.0, 1.0)) + np.array([-0.2, 0.2])
    title = {"text": "gradient norm"}
    return {"title": title, "type": "log", "range": [float(low), float(high)], "exponentformat": "power", "dtick": 1}


def _curve_picture(
    view: StudyView, chosen: pd.DataFrame, curves: pd.DataFrame, column: str, title: str, unit: str
) -> Picture:
    colours = arm_styles(arm_names(view))
    lines, ends = [], []
    for row in records(chosen):
        line = curves[curves["trial_id"] == row["trial_id"]]
        lines.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"{_PART[row['part']]} ({plotly_text(row['recipe'])})",
                "x": line["step"].tolist(),
                "y": numbers(line[column]),
                "line": {
                    "color": colours[row["recipe"]][0],
                    "width": 2,
                    "dash": "dot" if row["part"] == "failed" else "solid",
                },
                "marker": {"size": 6, "symbol": "x" if row["part"] == "failed" else "circle"},
                "customdata": points(line),
            }
        )
        if len(line):
            ends.append(f"{number(line[column].iloc[-1])} in the {_PART[row['part']]} trial")
    return Picture(
        f"{column}-{chosen['failure_mode'].iloc[0]}",
        title,
        f"Lines of the {title.lower()} ({unit}) over the same steps. It ends at {' and '.join(ends)}.",
        lines,
        {
            "xaxis": _STEPS,
            "yaxis": {"title": {"text": plotly_text(unit)}},
            **(majority_line(view.completed) if column == "score" else {}),
        },
        curves[["trial_id", "recipe", "part", "step", column]],
        f"load_results({view.place!r}, table='curves', trial_ids={list(chosen['trial_id'])!r})",
        height=320,
        note="Mean of each logged step's batch." if column == "loss" else "At each evaluation.",
    )
