"""Slices through the fitted surfaces, as pictures of the page."""

from __future__ import annotations

from tune_stability.axes import AnyAxis
from tune_stability.hyperparameters import Value
from tune_stability.page.blocks import Json, Picture, Row
from tune_stability.page.labels import plotly_text
from tune_stability.page.marks import arm_marks, band_marks, half_shape, numbers, space_axis
from tune_stability.page.region_words import DESIGN_ROWS, held_words
from tune_stability.plots.space_axes import at_value, words
from tune_stability.views import StudyView, slice_table
from tune_stability.views.space_parts import chosen_values, held_values

_EACH = 5
"""Of the places drawn, every so manieth is enough to read."""


def slice_row(view: StudyView, across: AnyAxis, up: AnyAxis) -> Row:
    """A picture for each chosen value of `up`: the fitted probability of all arms along `across`, with bands."""
    values = chosen_values(view, up)
    pictures = tuple(_slice(view, across, up, value) for value in values)
    held = held_values(view, (across.name, up.name))
    note = "Slices through the same fitted surfaces, model-based, with bands that hold 95 % at each place for itself"
    note += f", at {held_words(view, held)}." if held else "."
    return Row(f"Slices at chosen {'epochs' if up.name == 'num_epochs' else words(up.name) + 's'}", pictures, note)


def _slice(view: StudyView, across: AnyAxis, up: AnyAxis, value: Value) -> Picture:
    table = slice_table(view, across.name, {up.name: value})
    marks, said = arm_marks(view.recipes), []
    bands: list[Json] = []
    lines: list[Json] = []
    for name, rows in table.groupby("recipe", sort=False):
        colour, _ = marks[str(name)]
        bands.append(band_marks(rows[across.name], rows["low"], rows["high"], colour, str(name)))
        lines.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": plotly_text(name),
                "legendgroup": name,
                "x": numbers(rows[across.name], 4),
                "y": numbers(rows["probability"], 3),
                "line": {"color": colour, "width": 2.5},
                "hovertemplate": "%{y:.2f} at %{x:.2~g}<extra>%{fullData.name}</extra>",
            }
        )
        best = rows.iloc[int(rows["probability"].to_numpy().argmax())]
        said.append(f"{name} is highest, {best['probability']:.2f}, at {best[across.name]:.2g}")
    y = {"title": {"text": "probability of success"}, "range": [-0.02, 1.02], "zeroline": False}
    return Picture(
        f"slice-{up.name}-{value}",
        at_value(up.name, value),
        f"Fitted probability of success against {words(across.name)} at {at_value(up.name, value)}: {'; '.join(said)}.",
        # Bands first, so that they dull no other arm's line.
        [*bands, *lines],
        {"xaxis": space_axis(across), "yaxis": y, "shapes": [half_shape()], "margin": {"l": 50, "r": 12}},
        table.iloc[::_EACH],
        DESIGN_ROWS,
        height=300,
    )
