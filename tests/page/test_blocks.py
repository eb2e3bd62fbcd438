from __future__ import annotations

import html
import re

import pandas as pd
import pytest

from tune_stability.page import render_page
from tune_stability.page.blocks import Block, Choice, Numbers, Picture, Row, Section, Text


def picture(name: str) -> Picture:
    table = pd.DataFrame({"recipe": ["a&b"], "source": ["design"], "config_index": [7], "share": [0.123456]})
    return Picture(name, name.title(), f"Nothing but {name}.", [{"x": [1]}], {}, table, "trials")


@pytest.fixture
def rendered(make_view, make_trials, monkeypatch: pytest.MonkeyPatch):
    """Renders a page of one section of these blocks."""

    def render(*blocks: Block) -> str:
        monkeypatch.setattr("tune_stability.page.html.SECTIONS", (lambda view: Section("one", "One", blocks),))
        page = render_page([[make_view(make_trials(lambda *_: "s"))]])
        return page[page.index("<main>") : page.index("</main>")]

    return render


def test_a_table_has_a_button_for_each_configuration_and_each_trial(rendered) -> None:
    numbers = Numbers(
        "t", pd.DataFrame({"trial_id": ["abc"], "recipe": ["x"], "source": ["design"], "config_index": [1]})
    )
    keys = re.findall('data-key="([^"]*)">([^<]*)</button>', rendered(picture("first"), numbers))
    assert [(html.unescape(key), text) for key, text in keys] == [("a&b|design|7", "7"), ("abc", "abc")]


def test_pictures_stand_beside_each_other(rendered) -> None:
    before, _, inside = rendered(Row("both", (picture("first"), picture("second")))).partition('<div class="row">')
    assert re.findall('aria-label="(Nothing.*?)"', before) == []
    assert re.findall('aria-label="(Nothing.*?)"', inside) == ["Nothing but first.", "Nothing but second."]


def test_the_first_of_a_choice_is_shown(rendered) -> None:
    own = Choice("inner <x>", (("p", (Text("deep"),)), ("q", ())))
    page = rendered(Choice("which", (("one", (picture("first"),)), ("<two>", (Text("second"), own)))))
    assert re.findall("<option>(.*?)</option>", page) == ["one", "&lt;two&gt;", "p", "q"]
    assert re.findall('<div class="option"(.*?)>', page) == ["", " hidden", "", " hidden"]
    assert page.index("Nothing but first.") < page.index("second") < page.index("inner &lt;x&gt;") < page.index("deep")
