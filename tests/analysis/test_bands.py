from __future__ import annotations

import itertools

import pytest

from tune_stability.analysis import whole_number_bands
from tune_stability.axes import Axis, ChoiceAxis


@pytest.mark.parametrize(
    ("low", "high", "scale", "expected"),
    [
        (1, 20, "log", ["1", "2-5", "6-20"]),
        (1, 9, "linear", ["1-3", "4-6", "7-9"]),
        (3, 20, "log", ["3-5", "6-10", "11-20"]),
        (1, 3, "log", ["1", "2", "3"]),
        (1, 2, "log", ["1", "2"]),
        (1, 100, "log", ["1-2", "3-17", "18-100"]),
    ],
)
def test_bands(low: int, high: int, scale: str, expected: list[str]) -> None:
    bands = whole_number_bands(Axis("num_epochs", low, high, scale))  # type: ignore[arg-type]
    assert [str(band) for band in bands] == expected
    assert sum(band.measure for band in bands) == pytest.approx(1)
    assert all(before.end == after.start for before, after in itertools.pairwise(bands))


@pytest.mark.parametrize(
    ("choices", "expected", "measures"),
    [
        ((3, 20), ["3", "20"], [1 / 2, 1 / 2]),
        ((1, 3, 20), ["1", "3", "20"], [1 / 3, 1 / 3, 1 / 3]),
        ((1, 2, 3, 10, 20), ["1-2", "3", "10-20"], [2 / 5, 1 / 5, 2 / 5]),
        ((1, 2, 3, 4, 5, 6), ["1-2", "3-4", "5-6"], [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_bands_of_choices(choices: tuple[int, ...], expected: list[str], measures: list[float]) -> None:
    bands = whole_number_bands(ChoiceAxis("num_epochs", choices))
    assert [str(band) for band in bands] == expected
    assert [band.measure for band in bands] == pytest.approx(measures)
    assert all(before.end == after.start for before, after in itertools.pairwise(bands))
