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
from tune_stability.page.blocks import Json, Picture, Section
from tune_stability.page.sections import SECTIONS
from tune_stability.page.trials import configurations, embedded, plain, points, trial_rows
from tune_stability.views import StudyView

_MOST_ROWS = 100


def render_page(views: Sequence[StudyView]) -> str:
    """The page of a study as several success rules judge it, the first of them shown at first.

    All text from the study is escaped, and the page's own policy lets no request leave it.
    """
    first = views[0]
    by_rule = {str(view.rule): [make(view) for make in SECTIONS] for view in views}
    pictures = _Pictures()
    template = _environment(pictures).from_string(_read("page.html.j2"))
    body = template.render(
        spec=first.spec,
        place=first.place,
        rules=list(by_rule),
        sections=_together(by_rule),
        css=Markup(_read("page.css")),
        script=Markup(_read("page.js")),
        plotly=Markup(get_plotlyjs()),
        study=_embedded(_study(first)),
    )
    # The pictures are known once all blocks are written, and come last.
    return body.replace("@@PICTURES@@", _embedded(pictures.found))


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


def _together(by_rule: dict[str, list[Section]]) -> list[dict[str, Any]]:
    """Each section with its blocks by rule; one entry without a rule if they are the same for all."""
    return [
        {
            "name": sections[0].name,
            "title": sections[0].title,
            "parts": _parts(dict(zip(by_rule, sections, strict=True))),
        }
        for sections in zip(*by_rule.values(), strict=True)
    ]


def _parts(sections: dict[str, Section]) -> list[tuple[str | None, Section]]:
    texts = {repr(section.blocks) for section in sections.values()}
    return [(None, next(iter(sections.values())))] if len(texts) == 1 else list(sections.items())


def _environment(pictures: _Pictures) -> Environment:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(place=pictures.place, bold=_bold, rows=_rows)
    return environment


def _bold(text: str) -> Markup:
    parts = text.split("*")
    return Markup("").join(
        Markup("<strong>{}</strong>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


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
