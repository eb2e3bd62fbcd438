from __future__ import annotations

import pytest

from tune_stability.views import configuration_table, rate_table, widening_table


def half(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 and (seed % 2 == 0 or recipe == "stable") else "u"


def test_rates_have_a_row_per_arm(make_frame, make_view) -> None:
    table = rate_table(make_view(make_frame(half)))
    assert list(table["recipe"]) == ["devlin", "stable"]
    assert list(table["estimate"]) == pytest.approx([0.25, 0.5])
    assert (table["low"] < table["estimate"]).all()
    assert (table["estimate"] < table["high"]).all()


def test_the_widening_is_told_for_all_epochs_and_by_band(make_frame, make_view) -> None:
    table = widening_table(make_view(make_frame(half)))
    assert table["epochs"].iloc[0] == "all"
    assert table["estimate"].iloc[0] == pytest.approx(0.25)
    assert table["n_configs"].iloc[1:].sum() == 16
    assert set(table["recipe"]) == {"stable"}


@pytest.mark.parametrize("table", [rate_table, widening_table])
def test_without_a_summary_the_columns_are_there_and_no_row(table, make_frame, make_view) -> None:
    empty = table(make_view(make_frame(half), sampler="tpe"))
    assert empty.empty
    assert {"recipe", "estimate", "low", "high", "trustworthy"} <= set(empty.columns)


def test_configurations_are_counted_without_missing_trials(make_frame, make_view) -> None:
    frame = make_frame(lambda recipe, index, seed: "e" if (index, seed) == (1, 0) else half(recipe, index, seed))
    table = configuration_table(make_view(frame)).set_index(["recipe", "config_index"])
    assert tuple(table.loc[("stable", 1), ["n_trials", "successes", "share"]]) == (1, 1.0, 1.0)
    assert tuple(table.loc[("devlin", 1), ["n_trials", "successes", "share"]]) == (1, 0.0, 0.0)
    assert tuple(table.loc[("devlin", 3), ["n_trials", "successes", "share"]]) == (2, 1.0, 0.5)
    assert table.loc[("stable", 3), "median_score"] == pytest.approx(0.505)
    first = frame[(frame["config_index"] == 3)].iloc[0]
    assert table.loc[("devlin", 3), "learning_rate"] == first["learning_rate"]
