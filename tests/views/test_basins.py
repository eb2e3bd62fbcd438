from __future__ import annotations

import math

import numpy as np
import pytest

from tune_stability.spaces import get_space
from tune_stability.views import basin_curve_table, basin_table

LR = get_space("lr", 2e-5)


@pytest.fixture
def view(make_frame, make_view):
    """Both recipes succeed within 0.6 decades of 10 ** -4.8, stable at both seeds."""
    rates = make_frame(lambda *_: "u", 64).groupby("config_index")["learning_rate"].first()

    def letter(recipe: str, index: int, seed: int) -> str:
        inside = abs(math.log10(rates[index]) + 4.8) < 0.6
        return "s" if inside and (recipe == "stable" or index % 8) else "u"

    return make_view(make_frame(letter, 64))


def test_edges_and_width_are_those_of_the_summary(view) -> None:
    table = basin_table(view)
    assert list(table.columns[:5]) == ["recipe", "quantity", "found", "inside", "estimate"]
    assert list(zip(table["recipe"], table["quantity"], strict=True)) == [
        (recipe, quantity) for recipe in ("devlin", "stable") for quantity in ("lower", "upper", "width")
    ]
    stable = table[table["recipe"] == "stable"].set_index("quantity")
    assert stable["found"].all()
    assert stable["inside"].all()
    assert math.log10(stable.loc["lower", "estimate"]) == pytest.approx(-5.4, abs=0.1)
    assert math.log10(stable.loc["upper", "estimate"]) == pytest.approx(-4.2, abs=0.1)
    assert stable.loc["width", "high"] == view.summary.arms[1].basin.width.high


def test_the_curve_crosses_one_half_at_the_edges(view) -> None:
    curve, basins = basin_curve_table(view), basin_table(view)
    for recipe, rows in curve.groupby("recipe"):
        own = basins[basins["recipe"] == recipe].set_index("quantity")["estimate"]
        for edge in ("lower", "upper"):
            at_edge = np.interp(math.log10(own[edge]), np.log10(rows["learning_rate"]), rows["probability"])
            assert at_edge == pytest.approx(0.5, abs=0.03)
        assert ((rows["low"] <= rows["probability"]) & (rows["probability"] <= rows["high"])).all()


def test_seeds_are_independent_only_where_nothing_else_varies(make_frame, make_view) -> None:
    letter = lambda recipe, index, seed: "s" if index % 2 else "u"  # noqa: E731
    alone, beside = (
        basin_curve_table(make_view(make_frame(letter, 16, space=space), space=space))
        for space in (LR, get_space("wide", 2e-5))
    )
    widths = [(table["high"] - table["low"]).mean() for table in (alone, beside)]
    assert widths[0] < widths[1]


@pytest.mark.parametrize(("n_configs", "rows"), [(1, 0), (4, 0), (5, 2 * 121)])
def test_few_learning_rates_have_no_curve(make_frame, make_view, n_configs: int, rows: int) -> None:
    view = make_view(make_frame(lambda *_: "s", n_configs))
    assert len(basin_curve_table(view)) == rows
    assert list(basin_curve_table(view).columns) == ["recipe", "learning_rate", "probability", "low", "high", "note"]
    assert len(basin_table(view)) == 6


def test_without_a_design_there_is_neither(make_frame, make_view) -> None:
    view = make_view(make_frame(lambda *_: "s", 4), sampler="tpe")
    assert basin_table(view).empty
    assert basin_curve_table(view).empty
