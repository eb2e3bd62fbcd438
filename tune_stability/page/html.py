"""From sections to one HTML file that needs no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from tune_stability.commands import rerun_command
from tune_stability.page.blocks import BOLD_END, BOLD_START, Json, Picture, Section
from tune_stability.page.sections import SECTIONS, difference
from tune_stability.page.trials import configurations, embedded, plain, points, trial_rows
from tune_stability.views import StudyView

_MOST_ROWS = 100
_PICTURES = "@@PICTURES@@"

Columns = list[Section]
"""A section of one study, or of two side by side."""


def render_page(studies: Sequence[Sequence[StudyView]], reload_seconds: float = 0) -> str:
    """The page of a study, or of two side by side: of each, its views by the same rules, the first shown first.

    All text from a store is escaped, and the page's own policy lets no request leave it. With `reload_seconds` the page
    opens itself anew every so often, as it was.
    """
    pictures = _Pictures()
    template = _environment(pictures).from_string(_read("page.html.j2"))
    body = template.render(
        title=" and ".join(views[0].spec.name for views in studies),
        studies=[views[0] for views in studies],
        rules=[str(view.rule) for view in studies[0]],
        sections=_sections(studies),
        css=Markup(_read("page.css")),
        script=Markup(_read("page.js")),
        plotly=Markup(get_plotlyjs()),
        data=_embedded({"studies": [_study(views[0]) for views in studies], "reloadSeconds": reload_seconds}),
    )
    # The pictures are known once all blocks are written, and come last.
    before, after = body.split(_PICTURES)
    return f"{before}{_embedded(pictures.found)}{after}"


def _study(view: StudyView) -> Json:
    trials = embedded(view.trials)
    commands = {
        trial_id: rerun_command(view.place, trial_id, trainable=view.spec.trainable) for trial_id in trials["trial_id"]
    }
    return {"trials": trial_rows(trials), "commands": commands, "place": view.place}


class _Pictures:
    """The pictures by their place in the page; what is the same under several rules is kept once."""

    def __init__(self) -> None:
        self.found: list[Json] = []
        self._places: dict[str, int] = {}

    def place(self, picture: Picture) -> int:
        """The index of the picture in `found`."""
        kept = {"data": picture.data, "layout": picture.layout}
        key = json.dumps(kept, allow_nan=False)
        if key not in self._places:
            self._places[key] = len(self.found)
            self.found.append(kept)
        return self._places[key]


def _sections(studies: Sequence[Sequence[StudyView]]) -> list[dict[str, Any]]:
    """Each section that has something to show, with its columns by rule; one entry if all rules show the same."""
    by_rule = list(zip(*studies, strict=True))
    made: list[list[Columns]] = [[[make(view) for view in views] for views in by_rule] for make in SECTIONS]
    if len(studies) == 2:
        made.insert(0, [[difference.section(first, second)] for first, second in by_rule])
    rules = [str(views[0].rule) for views in by_rule]
    return [
        {"name": columns[0][0].name, "title": columns[0][0].title, "parts": _parts(columns, rules)}
        for columns in made
        if any(section.blocks for each in columns for section in each)
    ]


def _parts(columns: list[Columns], rules: list[str]) -> list[tuple[str | None, Columns]]:
    if len({repr(each) for each in columns}) == 1:
        return [(None, columns[0])]
    return list(zip(rules, columns, strict=True))


def _environment(pictures: _Pictures) -> Environment:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(place=pictures.place, bold=_bold, rows=_rows, code=repr)
    return environment


def _bold(text: str) -> Markup:
    """What `blocks.bold` marked in bold, all of it escaped."""
    first, *others = text.split(BOLD_START)
    made = escape(first.replace(BOLD_END, ""))
    for part in others:
        strong, _, rest = part.partition(BOLD_END)
        made += Markup("<strong>{}</strong>{}").format(strong, rest.replace(BOLD_END, ""))
    return made


def _rows(table: pd.DataFrame) -> list[list[tuple[str, str | None]]]:
    """The cells of the first rows: their text, and for the one that names trials what a press of it shows."""
    shown = table.head(_MOST_ROWS)
    keys: dict[str, list[str]] = {}
    if "trial_id" in shown:
        keys["trial_id"] = points(shown)
    elif {"recipe", "source", "config_index"} <= set(shown.columns):
        keys["config_index"] = configurations(shown)
    return [
        [(_text(value), keys[name][place] if name in keys else None) for name, value in zip(shown, row, strict=True)]
        for place, row in enumerate(shown.itertuples(index=False))
    ]


def _text(value: Any) -> str:
    shown = plain(value)
    return "-" if shown is None else f"{shown:.4g}" if isinstance(shown, float) else str(shown)


def _embedded(value: Any) -> Markup:
    """JSON that cannot end the script it stands in."""
    return Markup(json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"))


def _read(name: str) -> str:
    return (files("tune_stability.page") / "template" / name).read_text(encoding="utf-8")
