"""What a section of the page is made of: plain data, which the template turns into HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

Json = dict[str, Any]

BOLD_START, BOLD_END = "\x02", "\x03"
"""No letter of a name, as an asterisk may be."""


def bold(text: str) -> str:
    """Text of a `Headline` or a `Text` that is set in bold."""
    return f"{BOLD_START}{text}{BOLD_END}"


@dataclass(frozen=True)
class Headline:
    """The answer in one sentence, with its number in `bold`."""

    text: str
    kind: str = "headline"


@dataclass(frozen=True)
class Text:
    """A paragraph, parts of it in `bold`. `is_warning` sets it apart."""

    text: str
    is_warning: bool = False
    kind: str = "text"


@dataclass(frozen=True)
class Tiles:
    """Numbers at a glance: label, value and a word of explanation."""

    tiles: tuple[tuple[str, str, str], ...]
    kind: str = "tiles"


@dataclass(frozen=True)
class Numbers:
    """A table to read. `note` says what its numbers are."""

    title: str
    table: pd.DataFrame
    note: str = ""
    kind: str = "numbers"


@dataclass(frozen=True)
class Picture:
    """An interactive picture.

    `alt` says in a sentence what it shows. `data` and `layout` are Plotly's, without the theme's colours. A point whose
    `customdata` is a trial's id, or `recipe|source|config_index` of a configuration, answers a click. `table` has the
    numbers drawn, and `rows` the pandas expression of the trials behind them. `height` in pixels is kept free for it.
    """

    name: str
    title: str
    alt: str
    data: list[Json]
    layout: Json
    table: pd.DataFrame
    rows: str
    height: int = 380
    note: str = ""
    kind: str = "picture"


@dataclass(frozen=True)
class Row:
    """Pictures side by side, and below one another where the page is narrow.

    `note` says what is true of all; without a `title` they stand for themselves.
    """

    title: str
    pictures: tuple[Picture, ...]
    note: str = ""
    kind: str = "row"


@dataclass(frozen=True)
class Choice:
    """Named groups of blocks, of which the reader chooses the one to see; the first is shown at first."""

    label: str
    options: tuple[tuple[str, tuple[Block, ...]], ...]
    kind: str = "choice"


Block = Headline | Text | Tiles | Numbers | Picture | Row | Choice


@dataclass(frozen=True)
class Section:
    """A part of the page with a name for its address, a title for the navigation and its blocks."""

    name: str
    title: str
    blocks: tuple[Block, ...] = field(default=())
