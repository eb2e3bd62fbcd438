from __future__ import annotations

import pytest

from tune_stability.spaces import SearchSpace, get_space
from tune_stability.views import importance, importance_table

WIDE, LR = get_space("wide", 2e-5), get_space("lr", 2e-5)


@pytest.fixture
def by_rate(make_trials):
    """Only the learning rate decides."""
    rates = make_trials(lambda *_: "u", n_configs=64).groupby("config_index")["learning_rate"].first()
    return make_trials(lambda recipe, index, seed: "s" if rates[index] < 5e-5 else "u", n_configs=64)


def test_what_decides_has_most_of_it(by_rate, make_view) -> None:
    table = importance_table(make_view(by_rate))
    assert list(table["recipe"].unique()) == ["devlin", "stable"]
    success = table[(table["recipe"] == "stable") & (table["target"] == "success")].set_index("hyperparameter")
    assert success["importance"].sum() == pytest.approx(1)
    assert success["importance"].idxmax() == "learning_rate"
    assert not table["trustworthy"].any()
    assert set(table["evaluator"]) == {"ped_anova"}


def test_arms_stand_in_the_order_of_the_view(by_rate, make_view) -> None:
    assert list(importance_table(make_view(by_rate, recipes=("stable", "devlin")))["recipe"].unique()) == [
        "stable",
        "devlin",
    ]


def test_of_a_large_study_the_first_configurations(by_rate, make_view, monkeypatch) -> None:
    monkeypatch.setattr(importance, "MOST_TRIALS", 128)
    assert set(importance_table(make_view(by_rate))["n_configs"]) == {32}


@pytest.mark.parametrize("case", ["one axis", "no design"])
def test_there_may_be_nothing_to_attribute(case: str, make_trials, make_view) -> None:
    space = LR if case == "one axis" else WIDE
    changed = {"sampler": "tpe"} if case == "no design" else {}
    table = importance_table(make_view(make_trials(lambda *_: "s", space=space), space=space, **changed))
    assert table.empty
    assert {"recipe", "importance"} <= set(table.columns)


def test_where_all_succeed_none_decides(make_trials, make_view) -> None:
    table = importance_table(make_view(make_trials(lambda *_: "s", n_seeds=1)))
    assert table["importance"].isna().all()
    assert len(SearchSpace("own", WIDE.axes).names) * 4 == len(table)
