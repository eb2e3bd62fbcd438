from __future__ import annotations

import numpy as np
import pytest

from tune_stability.views import expected_best_table, needed_table


def every_second(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 or recipe == "stable" else "u"


def test_the_expected_best_of_few_has_limits_and_of_many_none(make_trials, make_view) -> None:
    view = make_view(make_trials(every_second, n_seeds=1))
    table = expected_best_table(view).set_index(["recipe", "n"])
    assert list(table.loc["devlin"].index) == [1, 2, 4, 8, 16]
    # Eight of sixteen configurations score .5, the others 0: the best of two is 0 in 28 of 120 pairs.
    assert table.loc[("devlin", 2), "estimate"] == pytest.approx(0.5 * 92 / 120)
    assert table.loc[("devlin", 4), "estimate"] == pytest.approx(0.5 * (1 - 70 / 1820))
    assert list(table.loc["stable"]["estimate"]) == pytest.approx([0.5] * 5)
    assert list(table.loc["devlin"]["trustworthy"]) == [True, True, False, False, False]
    assert list(table.loc["devlin"]["low"].isna()) == [False, False, True, True, True]
    assert (table["majority"] == 0.0).all()
    assert table.loc[("devlin", 2), "low"] == view.summary.arms[0].expected_best[2].low


def test_the_trials_needed_are_those_of_the_summary(make_trials, make_view) -> None:
    trials = make_trials(every_second)
    trials.loc[trials["recipe"] == "stable", "seconds"] = 30.0
    table = needed_table(make_view(trials)).set_index("recipe")
    # Of a half, five trials have a chance of 1 - 1/32 of one success.
    assert list(table["estimate"]) == [5, 1]
    assert list(table["seconds"]) == [10.0, 30.0]


def test_where_nothing_succeeds_the_trials_are_endless(make_trials, make_view) -> None:
    table = needed_table(make_view(make_trials(lambda *_: "u").assign(seconds=np.nan)))
    assert list(table["estimate"]) == [np.inf, np.inf]
    assert table["seconds"].isna().all()


@pytest.mark.parametrize("table", [expected_best_table, needed_table])
def test_without_a_summary_there_is_no_row(table, make_trials, make_view) -> None:
    empty = table(make_view(make_trials(every_second), sampler="tpe"))
    assert empty.empty
    assert {"recipe", "estimate", "low"} <= set(empty.columns)
