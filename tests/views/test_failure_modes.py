from __future__ import annotations

import numpy as np
import pytest

from tune_stability.views import failure_mode_table


def letters(recipe: str, index: int, seed: int) -> str:
    return {"devlin": "svdu", "stable": "ssse"}[recipe][index % 4]


def test_counts_and_shares(make_trials, make_view) -> None:
    table = failure_mode_table(make_view(make_trials(letters, n_configs=8))).set_index(["recipe", "mode"])
    devlin, stable = table.loc["devlin"], table.loc["stable"]
    assert devlin["trials"].to_dict() == {
        "success": 4,
        "no_generalization": 0,
        "undertrained": 4,
        "vanishing_gradients": 4,
        "diverged": 4,
    }
    assert devlin["share"].sum() == pytest.approx(1)
    # What ended in an error has no share.
    assert stable.loc["success", ["trials", "share"]].tolist() == [12, 1.0]


def test_what_fails_by_another_rule_alone_is_unclassified(make_trials, make_view) -> None:
    trials = make_trials(lambda recipe, index, seed: "s" if index % 2 else "u", n_configs=8)
    table = failure_mode_table(make_view(trials, "margin:0.505")).set_index(["recipe", "mode"])
    # Of the successes stored, those of the second seed score .51, the others .5.
    found = table.loc["stable", "trials"]
    assert (found["success"], found["undertrained"], found["unclassified"]) == (4, 8, 4)
    assert table.loc["stable", "share"].sum() == pytest.approx(1)


def test_a_score_that_is_a_success_by_a_lower_bar_is_no_failure(make_trials, make_view) -> None:
    trials = make_trials(lambda *_: "u", n_configs=8).assign(score=0.02)
    table = failure_mode_table(make_view(trials))
    assert set(table.loc[table["trials"] > 0, "mode"]) == {"success"}


def test_an_arm_has_no_share_if_only_trials_that_share_seeds_have_an_outcome(make_trials, make_view) -> None:
    trials = make_trials(lambda recipe, index, seed: "u" if seed % 2 else "e", n_configs=8)
    trials = trials.assign(init_seed=trials["seed"], data_seed=trials["seed"] // 2 * 2, dropout_seed=trials["seed"])
    table = failure_mode_table(make_view(trials))
    assert (table["trials"] == 0).all()
    assert np.array_equal(table["share"], np.zeros(len(table)))


def test_no_design_no_rows(make_trials, make_view) -> None:
    assert failure_mode_table(make_view(make_trials(letters), sampler="tpe")).empty
