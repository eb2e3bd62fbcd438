from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tune_stability.page.trials import MOST_TRIALS, embedded, plain


def test_a_large_study_is_carried_by_whole_configurations() -> None:
    index = np.repeat(np.arange(1000), 10)
    trials = pd.DataFrame({"source": "design", "config_index": index, "seed": np.tile(np.arange(10), 1000)})
    kept = embedded(trials)
    assert len(kept) <= MOST_TRIALS
    assert len(kept) > 0.9 * MOST_TRIALS
    assert (kept.groupby("config_index").size() == 10).all()
    assert {kept["config_index"].min(), kept["config_index"].max()} == {0, 999}


def test_a_small_study_is_carried_whole() -> None:
    trials = pd.DataFrame({"source": ["design"] * 3, "config_index": [0, 0, 1]})
    assert embedded(trials) is trials


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.23456789, 1.23457),
        (np.float64(2e-5), 2e-5),
        (math.nan, None),
        (math.inf, None),
        (None, None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.int64(3), 3),
        (np.True_, True),
        ("<b>", "<b>"),
        (pd.Timestamp("2026-11-22 10:00:01.5", tz="UTC"), "2026-11-22 10:00:01 UTC"),
    ],
)
def test_cells_are_what_json_takes(value, expected) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
