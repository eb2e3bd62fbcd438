from __future__ import annotations

import numpy as np
import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.views import rate_score_table, score_points, score_table
from tune_stability.views.rate_groups import group_rates

LR = get_space("lr", 2e-5)
RATE = get_space("lr", 3e-4).axes[0]


def half(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 and (seed % 2 == 0 or recipe == "stable") else "u"


def test_a_box_has_the_quartiles_and_whiskers_within_reach(make_trials, make_view) -> None:
    trials = make_trials(half, n_configs=4)
    trials.loc[trials["recipe"] == "devlin", "score"] = [0, 1, 2, 3, 4, 5, 6, 20]
    table = score_table(make_view(trials)).set_index(["recipe", "column"])
    box = table.loc[("devlin", "score")]
    # The box spans 3.5, so its whiskers reach up to 5.25 + 5.25, which leaves out 20.
    assert [box[name] for name in ("q1", "median", "q3", "whisker_low", "whisker_high", "mean")] == [
        1.75,
        3.5,
        5.25,
        0,
        6,
        5.125,
    ]
    assert (box["n"], box["failed"], box["without_score"]) == (8, 1, 0)
    assert (box["majority"], box["metric"]) == (0.0, "matthews correlation")
    assert list(table.index) == [
        (recipe, column) for recipe in ("devlin", "stable") for column in ("score", "best_score")
    ]
    assert table.loc[("stable", "best_score"), "median"] == pytest.approx(0.1 + 0.5 / 2)


def test_a_trial_that_diverged_is_in_no_box_and_counted(make_trials, make_view) -> None:
    trials = make_trials(half, n_configs=4)
    trials.loc[(trials["recipe"] == "devlin") & (trials["config_index"] == 0), ["score", "best_score"]] = np.nan
    table = score_table(make_view(trials)).set_index(["recipe", "column"])
    assert tuple(table.loc[("devlin", "score"), ["n", "failed", "without_score"]]) == (8, 6, 2)
    assert table.loc[("devlin", "score"), "mean"] == pytest.approx(1 / 6)
    trials.loc[trials["recipe"] == "devlin", "score"] = np.nan
    lost = score_table(make_view(trials)).set_index(["recipe", "column"]).loc[("devlin", "score")]
    assert (lost["n"], lost["without_score"]) == (8, 8)
    assert np.isnan(lost["median"])


def test_only_design_rows_with_an_outcome_are_told(make_trials, make_view) -> None:
    trials = make_trials(lambda recipe, index, seed: "e" if index == 1 else "s", n_configs=4)
    trials.loc[trials["config_index"] == 2, "source"] = "adaptive"
    assert list(score_table(make_view(trials))["n"]) == [4, 4, 4, 4]


def test_of_a_factorial_scheme_those_that_share_no_seed(make_trials, make_view) -> None:
    trials = make_trials(half, n_configs=4)
    trials = trials.assign(
        init_seed=trials["seed"], data_seed=trials["seed"] // 1000 * 1000, dropout_seed=trials["seed"]
    )
    assert list(score_table(make_view(trials))["n"]) == [4, 4, 4, 4]


def test_without_design_rows_there_are_columns_and_no_row(make_trials, make_view) -> None:
    view = make_view(make_trials(half), sampler="tpe")
    for table in (score_table(view), rate_score_table(view)):
        assert table.empty
        assert {"recipe", "median", "majority"} <= set(table.columns)
    no_rate = SearchSpace("own", (Axis("num_epochs", 1, 20, "log"),))
    assert rate_score_table(make_view(make_trials(half, space=no_rate), space=no_rate)).empty


def test_few_rates_are_told_each_and_many_in_bins(make_trials, make_view) -> None:
    few = rate_score_table(make_view(make_trials(half, n_configs=4, space=LR), space=LR))
    assert (few["low"] == few["high"]).all()
    assert list(few.loc[few["column"] == "score", "n"]) == [2] * 8
    assert list(few.loc[(few["recipe"] == "stable") & (few["column"] == "score"), "group"]) == [0, 1, 2, 3]
    trials = make_trials(half, n_configs=64, space=LR)
    many = rate_score_table(make_view(trials, space=LR))
    ends = many[many["column"] == "score"]
    assert ends.groupby("recipe")["n"].sum().to_dict() == {"devlin": 128, "stable": 128}
    bins = ends.drop_duplicates("group").sort_values("group")
    np.testing.assert_allclose(np.log10(bins["high"] / bins["low"]), 0.5)
    points = score_points(make_view(trials, space=LR))
    assert ((points["low"] <= points["learning_rate"]) & (points["learning_rate"] <= points["high"])).all()


@pytest.mark.parametrize(
    ("rates", "groups"),
    [
        ([], []),
        ([3e-5], [0]),
        ([1e-3, 1e-5, 1e-3], [1, 0, 1]),
        # Nine rates in the 3.5 decades from 5.33e-6, in half decades.
        ([6e-6, 1e-5, 1.6e-5, 1.8e-5, 1e-4, 2e-4, 1e-3, 4e-3, 1.6e-2], [0, 0, 0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_groups_of_rates(rates: list[float], groups: list[int]) -> None:
    assert list(group_rates(rates, RATE)["group"]) == groups


def test_many_choices_of_rates_are_binned_by_their_place() -> None:
    choices = tuple(10.0 ** (-k / 2) for k in range(14, 0, -1))
    found = group_rates(choices, ChoiceAxis("learning_rate", choices))
    assert list(found["group"]) == [k // 2 for k in range(14)]
    assert tuple(found.iloc[0]) == (0, choices[0], choices[1])
