"""How much of the widening each ingredient of the treatment brings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tune_stability.page.blocks import Block, Json, Numbers, Picture, Section, Text
from tune_stability.page.labels import design_rows, plotly_text, with_limits
from tune_stability.page.marks import numbers
from tune_stability.plots.attribution import LESS, MORE, RATE_COLOUR, waterfall
from tune_stability.plots.space_axes import words
from tune_stability.views import StudyView, attribution_table, ingredients, interaction_table, lacking_recipes
from tune_stability.views.attribution import INGREDIENT, RATE

_MOST_NAMED = 8
_BAR = 0.62


def section(view: StudyView) -> Section:
    """The waterfall from the baseline to the treatment, or which recipes must be run for it."""
    if view.main is None:
        return Section("attribution", "Attribution")
    table = attribution_table(view)
    if table.empty:
        return Section("attribution", "Attribution", (Text(_without(view)),))
    return Section("attribution", "Attribution", (_waterfall(view, table), *_interactions(view)))


def _waterfall(view: StudyView, table: pd.DataFrame) -> Picture:
    steps = waterfall(table)
    names = ["<br>".join(plotly_text(part, breaks=True) for part in step.label) for step in steps]
    last = len(steps) - 1
    y = [steps[0].end, *(step.end - step.start for step in steps[1:last]), steps[last].end]
    base, treatment = steps[0].label[0], steps[last].label[0]
    ingredients = table[table["kind"] == INGREDIENT]
    said = ", ".join(f"{row['step']} {_in_points(row)}" for row in ingredients.to_dict("records"))
    rate = f"from the success rate of {base}, {steps[0].text}, to that of {treatment}, {steps[last].text}"
    bars: Json = {
        "type": "waterfall",
        "x": list(range(len(steps))),
        "y": numbers(y),
        "width": _BAR,
        "measure": ["absolute", *["relative"] * (last - 1), "total"],
        "increasing": {"marker": {"color": MORE}},
        "decreasing": {"marker": {"color": LESS}},
        "totals": {"marker": {"color": RATE_COLOUR}},
        "connector": {"line": {"color": "#7f8790", "width": 1}},
        "opacity": 0.85,
        "hovertext": [_hover(row) for row in table.to_dict("records")],
        "hoverinfo": "text",
        "showlegend": False,
    }
    # Beside its bar, where it is seen in the light and in the dark.
    intervals: Json = {
        "type": "scatter",
        "mode": "markers",
        "x": [place + _BAR / 2 + 0.06 for place in range(len(steps))],
        "y": numbers([step.end for step in steps]),
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": numbers([step.high - step.end for step in steps]),
            "arrayminus": numbers([step.end - step.low for step in steps]),
            "color": "#7f8790",
            "thickness": 2,
            "width": 7,
        },
        "marker": {"color": "#7f8790", "size": 6},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    texts: Json = {
        "type": "scatter",
        "mode": "text",
        "x": list(range(len(steps))),
        "y": numbers([max(step.start, step.end) for step in steps]),
        "text": [step.text for step in steps],
        "textposition": "top center",
        "hoverinfo": "skip",
        "showlegend": False,
    }
    return Picture(
        "attribution",
        "Where the widening comes from",
        f"Waterfall {rate}: {said}.",
        [bars, intervals, texts],
        {
            "xaxis": {
                "tickvals": list(range(len(steps))),
                "ticktext": names,
                "tickangle": 0,
                "showgrid": False,
                "zeroline": False,
            },
            "yaxis": {"title": {"text": "success rate, %"}, "rangemode": "tozero"},
        },
        table,
        f"{design_rows(view)}.groupby(['recipe', 'config_index'])",
        height=400,
        note="Shapley values: what an ingredient adds to the success rate, averaged over all orders in which the "
        "ingredients could be added to the baseline. The line beside a bar is the 95 % interval of its own size.",
    )


def _interactions(view: StudyView) -> tuple[Block, ...]:
    table = interaction_table(view)
    if table.empty:
        return ()
    rows = [
        {"ingredients": f"{row['first']} and {row['second']}", "interaction, points": _in_points(row)}
        for row in table.to_dict("records")
    ]
    note = (
        "Shapley interactions with 95 % intervals: above 0 two ingredients bring more together than each alone, "
        "below 0 either makes the other less needed."
    )
    return (Numbers("Interactions", pd.DataFrame(rows), note),)


def _in_points(row: dict[Any, Any]) -> str:
    shown = _times_100(row)
    return shown if row["estimate"] < 0 else f"+{shown}"


def _times_100(row: dict[Any, Any]) -> str:
    estimate, low, high = (100 * row[name] for name in ("estimate", "low", "high"))
    return with_limits(estimate, low, high, row["trustworthy"], digits=1)


def _hover(row: dict[Any, Any]) -> str:
    shown = f"{_times_100(row)} %" if row["kind"] == RATE else f"{_in_points(row)} points"
    name = row["step"] if row["kind"] == RATE else words(row["step"])
    return f"{plotly_text(name)}: {shown}"


def _without(view: StudyView) -> str:
    assert view.main is not None
    base, treatment = view.main.baseline.recipe, view.main.treatment.recipe
    levels = ingredients(view)
    if not levels:
        return f"{base} and {treatment} differ in nothing but what the space spans, so there is nothing to attribute."
    if len(levels) == 1:
        return (
            f"{base} and {treatment} differ in {next(iter(levels))} alone, so that brings whatever widening there is."
        )
    lacking = lacking_recipes(view)
    needed = f"{base} and {treatment} differ in {', '.join(levels)}. What each brings shows in the {2 ** len(levels)}"
    if not lacking:
        return f"{needed} recipes that mix them, once all have trials on the same configurations."
    named = [name or _mix(settings) for name, settings in lacking[:_MOST_NAMED]]
    more = f" and {len(lacking) - _MOST_NAMED} more" if len(lacking) > _MOST_NAMED else ""
    return (
        f"{needed} recipes that mix them, on the same configurations: run also {'; '.join(named)}{more}, as "
        "experiments/ladder.toml does."
    )


def _mix(settings: dict[str, object]) -> str:
    return f"one with {', '.join(f'{name}={value}' for name, value in settings.items())}"
