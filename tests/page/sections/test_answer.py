from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from tune_stability.analysis import Interval
from tune_stability.page.blocks import Headline, Numbers, Picture, Section, bold
from tune_stability.page.sections.answer import section
from tune_stability.views import StudyView


def half(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 and (seed % 2 == 0 or recipe == "stable") else "u"


def widened(view: StudyView, interval: Interval) -> StudyView:
    """The same view with another interval of the widening."""
    assert view.summary is not None
    assert view.main is not None
    widening = dataclasses.replace(view.main.widening, difference=interval)
    main = dataclasses.replace(view.main, widening=widening)
    return dataclasses.replace(view, summary=dataclasses.replace(view.summary, comparisons=(main,)))


def headline(found: Section) -> str:
    (block,) = (block for block in found.blocks if isinstance(block, Headline))
    return block.text


@pytest.mark.parametrize(
    ("estimate", "low", "high", "said"),
    [
        (0.25, 0.1, 0.4, f"stable widens the region of successful runs by {bold('25.0 points')} [10.0, 40.0] over"),
        (-0.25, -0.4, -0.1, f"stable narrows the region of successful runs by {bold('25.0 points')} [-40.0, -10.0]"),
        (0.1, -0.1, 0.3, f"is open: {bold('10.0 points more')} than devlin, but the interval [-10.0, 30.0] holds"),
    ],
)
def test_the_headline_says_the_widening(estimate, low, high, said, make_frame, make_view) -> None:
    view = make_view(make_frame(half))
    interval = Interval(estimate, low, high, 0.95, 16, 32, 0, "by hand")
    assert said in headline(section(widened(view, interval)))
    doubted = widened(view, interval.distrusted("Made up."))
    assert "] ? " in headline(section(doubted))
    assert "] ?" not in headline(section(widened(view, interval)))


def test_a_question_mark_stands_over_each_rate_that_is_not_trustworthy(make_frame, make_view) -> None:
    for n_configs, mark in ((1, "?"), (16, "")):
        found = section(make_view(make_frame(half, n_configs=n_configs)))
        (picture,) = (block for block in found.blocks if isinstance(block, Picture))
        assert [one["text"] for one in picture.data] == [[mark]] * 2
        assert all(one["hovertext"][0].endswith("?") == bool(mark) for one in picture.data)


def test_the_widening_by_epochs_is_told_in_points(make_frame, make_view) -> None:
    found = section(make_view(make_frame(half)))
    (numbers,) = (block for block in found.blocks if isinstance(block, Numbers))
    assert list(numbers.table.columns) == ["recipe", "over", "epochs", "widening, points"]
    assert numbers.table["widening, points"].iloc[0].startswith("25.0\u00a0[")
    assert "prediction-powered" not in numbers.note


def test_a_search_with_adaptive_rows_tells_what_these_add(make_frame, make_view) -> None:
    frame = make_frame(half)
    adaptive = frame.assign(source="adaptive", config_index=frame["config_index"] + 100)
    view = make_view(pd.concat([frame, adaptive], ignore_index=True))
    (numbers,) = (block for block in section(view).blocks if isinstance(block, Numbers))
    assert numbers.table["rows"].tolist()[:2] == ["design", "design and adaptive"]
    assert "prediction-powered" in numbers.note
