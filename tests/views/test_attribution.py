from __future__ import annotations

import pandas as pd
import pytest

from tune_stability.recipes import get_recipe
from tune_stability.spaces import get_space
from tune_stability.views import attribution_table, ingredients, interaction_table, lacking_recipes

LR = get_space("lr", 2e-5)
LADDER = ("devlin", "devlin+correction", "devlin+epochs", "stable")
# Of every four configurations so many succeed.
SUCCEED = {"devlin": 0, "devlin+correction": 1, "devlin+epochs": 2, "stable": 4}


@pytest.fixture
def ladder(make_trials) -> pd.DataFrame:
    def of(name: str) -> pd.DataFrame:
        trials = make_trials(lambda recipe, index, seed: "s" if index % 4 < SUCCEED[name] else "u", space=LR)
        own = get_recipe(name).pinned()
        ids = trials["trial_id"] + name
        return trials[trials["recipe"] == "stable"].assign(recipe=name, trial_id=ids, **own)

    return pd.concat([of(name) for name in LADDER], ignore_index=True)


def test_the_steps_lead_from_the_baseline_to_the_treatment(ladder, make_view) -> None:
    table = attribution_table(make_view(ladder, recipes=LADDER, space=LR))
    assert list(table["step"]) == ["devlin", "num_epochs", "bias_correction", "stable"]
    assert list(table["kind"]) == ["rate", "ingredient", "ingredient", "rate"]
    # Epochs add 2/4 to nothing and 3/4 to the correction; the correction adds 1/4 and 2/4.
    assert list(table["estimate"]) == pytest.approx([0, 0.625, 0.375, 1])
    assert table.loc[1, ["without", "having"]].tolist() == ["3", "20"]
    assert table.loc[2, ["without", "having"]].tolist() == ["False", "True"]
    assert (table["low"] <= table["estimate"]).all()


def test_the_interaction_is_what_both_bring_over_each_alone(ladder, make_view) -> None:
    table = interaction_table(make_view(ladder, recipes=LADDER, space=LR))
    assert table.loc[0, ["first", "second"]].tolist() == ["bias_correction", "num_epochs"]
    assert table.loc[0, "estimate"] == pytest.approx(1 - 0.5 - 0.25)


def test_where_recipes_lack_trials_a_rest_closes_the_gap(ladder, make_view) -> None:
    lost = (ladder["recipe"] == "devlin+correction") & (ladder["seed"] == 2000)
    failing = ladder.assign(score=ladder["score"].mask((ladder["recipe"] == "stable") & (ladder["seed"] == 2000), 0.0))
    table = attribution_table(make_view(failing[~lost], recipes=LADDER, space=LR))
    rest = table[table["kind"] == "rest"].iloc[0]
    assert rest["estimate"] != 0
    assert not rest["trustworthy"]
    parts = table[table["kind"] != "rate"]["estimate"].sum()
    assert table["estimate"].iloc[0] + parts == pytest.approx(table["estimate"].iloc[-1])


def test_what_is_lacking_is_named(make_trials, make_view) -> None:
    trials = make_trials(lambda recipe, index, seed: "s" if index % 2 else "u", space=LR)
    view = make_view(trials, space=LR)
    assert attribution_table(view).empty
    assert interaction_table(view).empty
    assert ingredients(view) == {"bias_correction": (False, True), "num_epochs": (3, 20)}
    assert [name for name, _ in lacking_recipes(view)] == ["devlin+epochs", "devlin+correction"]
    other = make_view(trials, space=LR, settings={"dropout": 0.0, "batch_size": 8})
    # The settings of the study are those of every recipe, built-in ones too.
    assert [name for name, _ in lacking_recipes(other)] == ["devlin+epochs", "devlin+correction"]


def test_what_the_space_spans_is_no_ingredient(make_trials, make_view) -> None:
    view = make_view(make_trials(lambda *_: "s"))
    assert ingredients(view) == {"bias_correction": (False, True)}
    assert lacking_recipes(view) == []
    alone = make_view(make_trials(lambda *_: "s")[lambda rows: rows["recipe"] == "stable"], recipes=("stable",))
    assert ingredients(alone) == {}
    assert lacking_recipes(alone) == []
    assert attribution_table(alone).empty
