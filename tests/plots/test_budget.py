from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from tune_stability.plots import COLLECTION, plot_expected_best
from tune_stability.views import expected_best_table


def every_second(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 or recipe == "stable" else "u"


def test_lines_of_the_table_with_bands_where_it_is_trusted(make_trials, make_view) -> None:
    table = expected_best_table(make_view(make_trials(every_second, n_seeds=1)))
    ax = Figure().subplots()
    assert plot_expected_best(table, ax) is ax
    devlin = table[table["recipe"] == "devlin"]
    dashed, solid, beyond = ax.lines[:3]
    np.testing.assert_array_equal(dashed.get_xydata(), devlin[["n", "estimate"]].to_numpy(float))
    np.testing.assert_array_equal(solid.get_xdata(), [1, 2])
    np.testing.assert_array_equal(beyond.get_xdata(), [4, 8, 16])
    assert (dashed.get_linestyle(), solid.get_linestyle(), beyond.get_linestyle()) == ("--", "-", "None")
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (
        pytest.approx(devlin["low"].min()),
        pytest.approx(devlin["high"].max()),
    )
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "2", "4", "8", "16"]
    assert ax.get_ylabel() == "expected best\nmatthews correlation"


def test_one_trusted_place_has_a_band_that_is_seen(make_trials, make_view) -> None:
    table = expected_best_table(make_view(make_trials(every_second, n_configs=8)))
    ax = Figure().subplots()
    plot_expected_best(table, ax)
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 0].min() < 1 < band[:, 0].max()


def test_nothing_is_drawn_without_a_summary(make_trials, make_view) -> None:
    assert COLLECTION["expected-best"](make_view(make_trials(every_second), sampler="tpe")) is None
