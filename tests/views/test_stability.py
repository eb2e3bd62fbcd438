from __future__ import annotations

import numpy as np
import pytest

from tune_stability.analysis import stability
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.views import stability_table
from tune_stability.views.stability import BEST_RATE, OWN_RATE, REGION

LR, WIDE = get_space("lr", 2e-5), get_space("wide", 2e-5)


def mixed(recipe: str, index: int, seed: int) -> str:
    """Configuration 3 succeeds at most seeds, 5 at one, the others never."""
    return "s" if (index == 3 and seed % 6 != 5) or (index == 5 and seed % 6 == 0) else "u"


def rows(view):
    return stability_table(view).set_index(["recipe", "where", "column"])


def test_the_region_the_own_rate_and_the_best_rate(make_trials, make_view) -> None:
    trials = make_trials(mixed, n_configs=8, n_seeds=6, space=LR)
    table = rows(make_view(trials, space=LR, num_seeds=6))
    whole = table.loc[("devlin", REGION, "score")]
    assert (whole["n"], whole["failed"], whole["max"]) == (48, 42, 0.54)
    scores = trials.loc[trials["recipe"] == "devlin", "score"].astype(float)
    assert whole["std"] == pytest.approx(scores.std())
    best = table.loc[("devlin", BEST_RATE, "score")]
    rate = trials.loc[trials["config_index"] == 3, "learning_rate"].iloc[0]
    assert (best["low"], best["high"], best["n"], best["failed"]) == (rate, rate, 6, 1)
    assert best["mean"] == pytest.approx(2.6 / 6)
    nearest = trials["learning_rate"].iloc[np.abs(np.log(trials["learning_rate"] / 2e-5)).argmin()]
    assert table.loc[("stable", OWN_RATE, "score"), "low"] == nearest
    assert table.loc[("devlin", BEST_RATE, "best_score"), "mean"] == pytest.approx(0.1 + 2.6 / 6)


def test_intervals_are_those_of_stability_and_a_chosen_rate_is_not_trusted(make_trials, make_view) -> None:
    trials = make_trials(lambda recipe, index, seed: "u" if seed % 6 == 5 else "s", n_configs=8, n_seeds=6, space=LR)
    table = rows(make_view(trials, space=LR, num_seeds=6))
    scores = [0.5, 0.51, 0.52, 0.53, 0.54, 0.0]
    expected = stability(scores, [1, 1, 1, 1, 1, 0], np.random.default_rng(0), majority=0.0)
    own, best = table.loc[("devlin", OWN_RATE, "score")], table.loc[("devlin", BEST_RATE, "score")]
    for name in ("std", "mean", "median"):
        interval = getattr(expected, name)
        assert interval.trustworthy
        for row, trusted in ((own, True), (best, False)):
            assert (row[name], row[f"{name}_low"], row[f"{name}_high"]) == (
                interval.estimate,
                interval.low,
                interval.high,
            )
            assert bool(row[f"{name}_trusted"]) is trusted
    assert "chosen by these same scores" in best["note"]
    assert np.isnan(table.loc[("devlin", OWN_RATE, "best_score"), "mean_low"])


def test_the_mean_over_the_region_has_the_interval_of_one_expected_trial(make_trials, make_view) -> None:
    view = make_view(make_trials(lambda recipe, index, seed: "s" if index % 2 else "u"))
    row, one = rows(view).loc[("stable", REGION, "score")], view.summary.arms[1].expected_best[1]
    assert one.trustworthy
    assert (row["mean_low"], row["mean_high"], bool(row["mean_trusted"])) == (one.low, one.high, True)
    assert np.isnan(row["std_low"])


def test_where_trials_lack_a_score_the_mean_has_no_interval(make_trials, make_view) -> None:
    trials = make_trials(lambda recipe, index, seed: "s" if index % 2 else "u")
    trials.loc[0, "score"] = np.nan
    row = rows(make_view(trials)).loc[("devlin", REGION, "score")]
    assert np.isnan(row["mean_low"])
    assert not row["mean_trusted"]


def test_of_several_axes_the_best_bin_of_rates_without_intervals(make_trials, make_view) -> None:
    rate = WIDE.axes[0]
    frame = make_trials(lambda *_: "u", n_configs=32)
    inside = frame.groupby("config_index")["learning_rate"].first().between(rate.value(2 / 7), rate.value(3 / 7))
    view = make_view(make_trials(lambda recipe, index, seed: "s" if inside[index] else "u", n_configs=32))
    row = rows(view).loc[("devlin", BEST_RATE, "score")]
    assert (row["low"], row["high"]) == (pytest.approx(rate.value(2 / 7)), pytest.approx(rate.value(3 / 7)))
    assert (row["n"], row["failed"]) == (2 * inside.sum(), 0)
    assert np.isnan(row["mean_low"])
    assert not (stability_table(view)["where"] == OWN_RATE).any()


def test_without_a_learning_rate_there_is_the_region_alone(make_trials, make_view) -> None:
    space = SearchSpace("own", WIDE.axes[1:])
    table = stability_table(make_view(make_trials(mixed, space=space), space=space))
    assert list(table["where"].unique()) == [REGION]


@pytest.mark.parametrize("letter", ["u", "s", "d"])
def test_constant_scores_and_one_configuration(letter: str, make_trials, make_view) -> None:
    trials = make_trials(lambda *_: letter, n_configs=1, n_seeds=1, space=LR)
    if letter == "d":
        trials[["score", "best_score"]] = np.nan
    table = stability_table(make_view(trials, space=LR, num_seeds=1))
    assert len(table) == 12
    assert not table[["std_trusted", "median_trusted"]].any(axis=None)
    assert table["max"].isna().all() == (letter == "d")


def test_no_design_no_rows(make_trials, make_view) -> None:
    table = stability_table(make_view(make_trials(mixed), sampler="tpe"))
    assert table.empty
    assert {"std", "mean_low", "max"} <= set(table.columns)
