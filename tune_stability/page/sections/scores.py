"""The scores of the trials: per arm, by learning rate, and as the paper's Table 1."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from tune_stability.page.blocks import Block, Json, Numbers, Picture, Section, Text
from tune_stability.page.labels import design_rows, plotly_text, with_limits
from tune_stability.page.marks import arm_marks, faint, numbers
from tune_stability.page.trials import embedded, points
from tune_stability.plots.places import rate_label, slots, spread
from tune_stability.plots.space_axes import words
from tune_stability.views import StudyView, rate_score_table, score_points, score_table, stability_table
from tune_stability.views.design_trials import SCORES
from tune_stability.views.stability import BEST_RATE, OWN_RATE, QUANTITIES, REGION

_KINDS = {"score": "end of training", "best_score": "best while training"}
_TRANSPARENT = "rgba(0,0,0,0)"


def section(view: StudyView) -> Section:
    """Box plots per arm and by learning rate, and how the scores spread over seeds."""
    if not view.recipes:
        said = "Box plots and tables of scores are of design rows, and this study has none with an outcome."
        return Section("scores", "Scores", (Text(said),))
    table, rows = score_table(view), score_points(view)
    shown = rows[rows["trial_id"].isin(embedded(view.trials)["trial_id"])]
    blocks: list[Block] = []
    if (table["n"] > table["without_score"]).any():
        blocks.append(_by_arm(view, table, shown))
        by_rate = rate_score_table(view)
        if not by_rate.empty:
            blocks.append(_by_rate(view, by_rate, shown))
    else:
        blocks.append(Text("No trial has a score: every one diverged."))
    blocks.append(_stability(view))
    return Section("scores", "Scores", tuple(blocks))


def _by_arm(view: StudyView, table: pd.DataFrame, shown: pd.DataFrame) -> Picture:
    marks, data = arm_marks(view.recipes), []
    offsets, width = slots(list(_KINDS))
    for place, recipe in enumerate(view.recipes):
        colour = marks[recipe][0]
        for column, kind in _KINDS.items():
            own = table[(table["recipe"] == recipe) & (table["column"] == column)]
            box = _boxes(own, [place + offsets[column]], width, colour, column == "score")
            data.append({**box, "name": f"{plotly_text(recipe)}, {kind}"})
        trials = shown[shown["recipe"] == recipe]
        data.append(_points(trials, [place + offsets["score"]] * len(trials), width, colour, recipe))
    said = "; ".join(
        f"{row['recipe']} median {row['median']:.3g}, quartiles {row['q1']:.3g} and {row['q3']:.3g}"
        for row in table[table["column"] == "score"].to_dict("records")
    )
    return Picture(
        "scores",
        "Scores per recipe",
        f"Box plots of the score at the end of training: {said}. The majority scores {_majority(table)}.",
        data,
        {
            "xaxis": {
                "tickvals": list(range(len(view.recipes))),
                "ticktext": [plotly_text(recipe, breaks=True) for recipe in view.recipes],
                "range": [-0.6, len(view.recipes) - 0.4],
                "showgrid": False,
                "zeroline": False,
            },
            **_score_axis(table),
        },
        table,
        f"{design_rows(view)}.groupby('recipe')[['score', 'best_score']].describe()",
        note=f"Filled: the score at the end of training, with a point per trial{_thinned(view)}. Open: the best score "
        "while training. A box spans the quartiles, its whiskers the scores within 1.5 times the box. The dotted line "
        f"is the majority score. {_without(table)}".strip(),
    )


def _by_rate(view: StudyView, table: pd.DataFrame, shown: pd.DataFrame) -> Picture:
    marks, data = arm_marks(view.recipes), []
    offsets, width = slots(view.recipes)
    groups = table.drop_duplicates("group").sort_values("group")
    places = {group: place for place, group in enumerate(groups["group"])}
    for recipe in view.recipes:
        colour = marks[recipe][0]
        own = table[(table["recipe"] == recipe) & (table["column"] == "score")]
        box = _boxes(own, [places[group] + offsets[recipe] for group in own["group"]], width, colour, True)
        data.append({**box, "name": plotly_text(recipe), "showlegend": True, "legendgroup": recipe})
        trials = shown[shown["recipe"] == recipe]
        at = [places[group] + offsets[recipe] for group in trials["group"]]
        data.append({**_points(trials, at, width, colour, recipe), "legendgroup": recipe})
    labels = [rate_label(low, high, "<br>to ") for low, high in zip(groups["low"], groups["high"], strict=True)]
    known = table[(table["column"] == "score") & table["median"].notna()]
    best = known.sort_values("median", kind="stable").drop_duplicates("recipe", keep="last")
    said = "; ".join(
        f"{row['recipe']} has its highest median, {row['median']:.3g}, at {rate_label(row['low'], row['high'], ' to ')}"
        for row in best.sort_index().to_dict("records")
    )
    are_bins = bool((groups["low"] < groups["high"]).any())
    return Picture(
        "scores-by-learning-rate",
        "Scores by learning rate",
        f"Box plots of the score at the end of training by learning rate, recipes side by side: {said}.",
        data,
        {
            "xaxis": {
                "title": {"text": "learning rate"},
                "tickvals": list(range(len(groups))),
                "ticktext": labels,
                "range": [-0.5, len(groups) - 0.5],
                "showgrid": False,
                "zeroline": False,
            },
            **_score_axis(table),
        },
        table,
        f"{design_rows(view)}.groupby(['recipe', 'learning_rate'])['score'].describe()",
        height=360 + 20 * len(view.recipes),
        note=f"The score at the end of training, with a point per trial{_thinned(view)}; the dotted line is the "
        "majority score." + (" Learning rates are put together in bins of equal width." if are_bins else ""),
    )


def _boxes(table: pd.DataFrame, places: list[float], width: float, colour: str, is_filled: bool) -> Json:
    known = (table["n"] > table["without_score"]).tolist()
    kept = table[known]
    summary = {
        name: numbers(kept[column])
        for name, column in (
            ("q1", "q1"),
            ("median", "median"),
            ("q3", "q3"),
            ("lowerfence", "whisker_low"),
            ("upperfence", "whisker_high"),
        )
    }
    return {
        "type": "box",
        "x": numbers([place for place, is_known in zip(places, known, strict=True) if is_known]),
        **summary,
        "width": width,
        "line": {"color": colour, "width": 1.5},
        "fillcolor": faint(colour) if is_filled else _TRANSPARENT,
        "showlegend": False,
    }


def _points(trials: pd.DataFrame, places: list[float], width: float, colour: str, recipe: str) -> Json:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plotly_text(recipe),
        # Points at the very same score, as those of failed runs are, lie side by side.
        "x": numbers(places + 0.8 * width * spread(len(trials)), 4),
        "y": numbers(trials["score"], 4),
        "customdata": points(trials),
        "marker": {"color": colour, "size": 5, "opacity": 0.45},
        "hovertemplate": "%{y:.3f}<extra>%{fullData.name}</extra>",
        "showlegend": False,
    }


def _score_axis(table: pd.DataFrame) -> Json:
    majority = float(table["majority"].iloc[0])
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": majority, "y1": majority}
    return {
        "yaxis": {"title": {"text": plotly_text(words(table["metric"].iloc[0]))}, "zeroline": False},
        "shapes": [{**line, "line": {"color": "#7f8790", "width": 1.5, "dash": "dot"}}],
    }


def _stability(view: StudyView) -> Numbers:
    # End of training first, and the recipes at one place below one another.
    table = stability_table(view).sort_values(["column", "where"], key=_order, kind="stable")
    shown = pd.DataFrame(
        [
            {
                "recipe": row["recipe"],
                "where": _where(row),
                "score": _KINDS[row["column"]],
                "trials": row["n"],
                "failed": row["failed"],
                **{
                    name: with_limits(row[name], row[f"{name}_low"], row[f"{name}_high"], row[f"{name}_trusted"])
                    for name in QUANTITIES
                },
                "max": with_limits(row["max"], math.nan, math.nan, True),
            }
            for row in table.to_dict("records")
        ]
    )
    notes = [
        "In brackets 95 % intervals, at one learning rate over new seeds, of the mean over the whole region over new "
        "configurations too. Where there is none, none can be trusted: trials of different configurations differ by "
        "more than their seed, and few seeds do not bound a median."
    ]
    if (table["where"] == BEST_RATE).any():
        notes.append("The best learning rate has the highest median; the same trials chose it, which flatters it (?).")
    return Numbers("Spread of the scores", shown, " ".join(notes))


def _order(names: pd.Series[str]) -> pd.Series[int]:
    return names.map({name: place for place, name in enumerate((*SCORES, REGION, OWN_RATE, BEST_RATE))})


def _where(row: dict[Any, Any]) -> str:
    if row["where"] not in (OWN_RATE, BEST_RATE):
        return "whole region"
    rates = rate_label(row["low"], row["high"], " to ")
    return f"{rates}, nearest its own rate" if row["where"] == OWN_RATE else f"{rates}, its best"


def _majority(table: pd.DataFrame) -> str:
    return f"{table['majority'].iloc[0]:.3g}"


def _without(table: pd.DataFrame) -> str:
    lost = int(table.loc[table["column"] == "score", "without_score"].sum())
    return f"{lost} trials diverged, have no score and are in no box." if lost else ""


def _thinned(view: StudyView) -> str:
    kept = len(embedded(view.trials))
    return f" of {kept:,} of all {len(view.trials):,}, evenly chosen" if kept < len(view.trials) else ""
