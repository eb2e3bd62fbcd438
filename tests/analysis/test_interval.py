from __future__ import annotations

import math

import pytest

from tune_stability.analysis import Interval

INTERVAL = Interval(0.4375, 0.382, 0.4949, 0.95, 32, 96, 0, "Wilson")


@pytest.mark.parametrize(
    ("unit", "digits", "text"),
    [
        ("plain", None, "0.438 [0.382, 0.495]"),
        ("percent", None, "43.8 % [38.2, 49.5]"),
        ("percent", 0, "44 % [38, 49]"),
        ("points", None, "+43.8 points [+38.2, +49.5]"),
    ],
)
def test_format(unit: str, digits: int | None, text: str) -> None:
    assert INTERVAL.format(unit, digits) == text  # type: ignore[arg-type]


def test_str_is_plain() -> None:
    assert str(INTERVAL) == "0.438 [0.382, 0.495]"


def test_distrusted_is_marked_and_keeps_earlier_notes() -> None:
    twice = INTERVAL.distrusted("First.").distrusted("Second.")
    assert not twice.trustworthy
    assert twice.note == "First. Second."
    assert str(twice) == "0.438 [0.382, 0.495] ?"


def test_missing_and_infinite_values_have_a_text() -> None:
    assert Interval(math.nan, 0.0, math.inf, 0.95, 0, 0, 0, "").format() == "- [0.000, inf]"


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_level_is_checked(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        Interval(0.5, 0, 1, level, 1, 1, 0, "")
