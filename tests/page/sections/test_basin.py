from __future__ import annotations

import json
import math

import pytest

from tune_stability.axes import Axis
from tune_stability.page.blocks import Numbers, Picture, Text
from tune_stability.page.sections.basin import section
from tune_stability.spaces import SearchSpace, get_space

LR = get_space("lr", 2e-5)


@pytest.fixture
def make_basin(make_frame, view_of):
    """Makes the section of a study that succeeds within `reach` decades of 10 ** -4.8."""

    def make(reach: float = 0.6, n_configs: int = 64, letter=None, has_design: bool = True):
        rates = make_frame(lambda *_: "u", n_configs, space=LR).groupby("config_index")["learning_rate"].first()
        inside = letter or (lambda recipe, i, seed: "s" if abs(math.log10(rates[i]) + 4.8) < reach else "u")
        return section(view_of(inside, n_configs, space=LR, has_summary=has_design))

    return make


def lines(picture: Picture, width: int) -> list[dict]:
    return [mark for mark in picture.data if mark.get("line", {}).get("width") == width]


def test_curves_bands_shares_bars_and_the_recipes_own_rate(make_basin) -> None:
    picture, numbers = make_basin().blocks
    assert isinstance(picture, Picture)
    assert [mark["name"] for mark in lines(picture, 2.5)] == ["devlin", "stable"]
    assert len([mark for mark in picture.data if mark.get("fill") == "toself"]) == 2
    points = [mark for mark in picture.data if mark["mode"] == "markers"]
    assert points[1]["customdata"][5] == "stable|design|5"
    bars = lines(picture, 6)
    assert [bar["name"] for bar in bars] == ["devlin", "stable"]
    assert 0 > bars[0]["y"][0] > bars[1]["y"][0] > picture.layout["yaxis"]["range"][0]
    for end, expected in zip(bars[0]["x"], (-5.4, -4.2), strict=True):
        assert math.log10(end) == pytest.approx(expected, abs=0.1)
    # Each edge has its interval.
    assert len([mark for mark in picture.data if mark["mode"] == "lines+markers"]) == 4
    assert [shape["x0"] for shape in picture.layout["shapes"] if shape.get("yref") == "paper"] == [2e-5]
    assert isinstance(numbers, Numbers)
    assert list(numbers.table.columns) == ["recipe", "lower edge", "upper edge", "width, decades"]
    assert list(numbers.table["recipe"]) == ["devlin", "stable"]
    assert "?" not in numbers.table.to_string()
    assert f"devlin: {numbers.table['lower edge'][0]} to {numbers.table['upper edge'][0]}" in picture.alt


def test_what_is_not_trustworthy_has_a_question_mark_and_no_interval(make_basin) -> None:
    picture, numbers, warning = make_basin(n_configs=16).blocks
    assert [mark["text"] for mark in picture.data if mark["mode"] == "text"] == [["?"]] * 4
    assert not [mark for mark in picture.data if mark["mode"] == "lines+markers"]
    assert [mark["line"]["dash"] for mark in lines(picture, 3)] == ["dot", "dot"]
    assert numbers.table["width, decades"].str.endswith(" ?").all()
    assert "[" not in numbers.table.to_string()
    assert warning.is_warning
    assert warning.text.startswith("Basin of devlin, stable: 32 trials are too few")


@pytest.mark.parametrize(
    ("options", "edges"),
    [
        ({"letter": lambda *_: "s"}, ("below 3.6e-07", "above 1.1e-03")),
        ({"letter": lambda *_: "d"}, ("none", "none")),
        ({"n_configs": 1}, ("-", "-")),
    ],
    ids=["all succeed", "all fail", "one"],
)
def test_hostile_studies(make_basin, options, edges: tuple[str, str]) -> None:
    picture, numbers, *_ = make_basin(**options).blocks
    json.dumps([picture.data, picture.layout], allow_nan=False)
    assert picture.data
    assert tuple(numbers.table.iloc[0][["lower edge", "upper edge"]]) == edges
    assert "nan" not in numbers.table.to_string()
    assert "nan" not in picture.alt


@pytest.mark.parametrize(
    ("options", "said"),
    [({"has_design": False}, "has none with an outcome"), ({"letter": lambda *_: "e"}, "has none with an outcome")],
    ids=["no design", "only errors"],
)
def test_without_design_rows_there_is_a_sentence(make_basin, options, said: str) -> None:
    (text,) = make_basin(n_configs=4, **options).blocks
    assert isinstance(text, Text)
    assert said in text.text


def test_without_a_learning_rate_there_is_a_sentence(view_of) -> None:
    space = SearchSpace("epochs", (Axis("num_epochs", 1, 20, "log"),))
    (text,) = section(view_of(lambda *_: "s", space=space, has_summary=True)).blocks
    assert text.text == "The learning rate is no axis of this space, so it has no basin."
