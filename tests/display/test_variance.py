from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

from tune_stability.analysis import variance_split
from tune_stability.display.variance import print_variance


def shown(scores: np.ndarray, width: int = 200) -> str:
    printed = io.StringIO()
    split = variance_split(scores, np.random.default_rng(0))
    print_variance({"devlin": split, "stable": split}, Console(file=printed, width=width))
    return printed.getvalue()


def test_every_recipe_and_source_has_its_deviation_and_share() -> None:
    text = shown(np.random.default_rng(0).normal(size=(17, 2, 2, 2)))
    for recipe in ("devlin", "stable"):
        for source in ("initialization", "data order", "dropout", "rest"):
            number = r"[\d.]+ \[[\d.]+, [\d.]+\]"
            assert re.search(rf"{recipe} +{source} +{number} +{number}", text)
    assert "?" not in text
    assert "left out" not in text


def test_what_is_left_out_and_what_cannot_be_trusted_is_said_once() -> None:
    scores = np.random.default_rng(0).normal(size=(4, 2, 2, 2))
    scores[0, 0, 0, 0] = np.nan
    text = shown(scores)
    assert re.search(r"devlin +rest .*\? .*\?", text)
    assert "stable: 1 of 4 configurations lack a score and are left out" in text
    assert text.count("1 of 4 configurations lack a score, perhaps not at random.") == 1
    assert "(spread of devlin; spread of stable)" in text


def test_no_configuration_has_a_table_too() -> None:
    text = shown(np.full((1, 2, 2, 2), np.nan))
    assert re.search(r"devlin +rest +- \[0\.000, inf\] \? +- \[0\.0, 100\.0\] \?", text)


@pytest.mark.parametrize("width", [80, 114])
def test_nothing_is_lost_on_a_narrow_terminal(width: int) -> None:
    text = shown(np.random.default_rng(0).normal(size=(17, 2, 2, 2)), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
