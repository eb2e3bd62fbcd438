from __future__ import annotations

import pandas as pd
import pytest

from tune_stability.page.sections import attribution
from tune_stability.recipes import get_recipe
from tune_stability.spaces import SearchSpace, get_space

LR = get_space("lr", 2e-5)
LADDER = ("devlin", "devlin+correction", "devlin+epochs", "stable")
SUCCEED = {"devlin": 0, "devlin+correction": 1, "devlin+epochs": 2, "stable": 4}


def test_the_waterfall_and_the_interactions(make_trials, make_view) -> None:
    def of(name: str) -> pd.DataFrame:
        trials = make_trials(lambda recipe, index, seed: "s" if index % 4 < SUCCEED[name] else "u", space=LR)
        return trials[trials["recipe"] == "stable"].assign(recipe=name, **get_recipe(name).pinned())

    trials = pd.concat([of(name) for name in LADDER], ignore_index=True)
    picture, table = attribution.section(make_view(trials, recipes=LADDER, space=LR)).blocks
    bars, intervals, texts = picture.data
    assert bars["measure"] == ["absolute", "relative", "relative", "total"]
    assert bars["y"] == [0, 62.5, 37.5, 100]
    assert intervals["y"] == [0, 62.5, 100, 100]
    assert all(length >= 0 for length in [*intervals["error_y"]["array"], *intervals["error_y"]["arrayminus"]])
    assert texts["text"] == ["0.0 %", "+62.5", "+37.5", "100.0 %"]
    assert picture.layout["xaxis"]["ticktext"][1:3] == [
        "num<br>epochs<br>3<br>→ 20",
        "bias<br>correction<br>False<br>→ True",
    ]
    assert "num_epochs +62.5" in picture.alt.replace("\u00a0", " ")
    assert table.table.iloc[0, 0] == "bias_correction and num_epochs"
    assert table.table.iloc[0, 1].startswith("+25.0")


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (LR, "run also devlin+epochs; devlin+correction, as experiments/ladder.toml does"),
        (get_space("wide", 2e-5), "devlin and stable differ in bias_correction alone"),
    ],
)
def test_without_the_recipes_between_it_says_what_to_run(space: SearchSpace, said: str, make_trials, make_view) -> None:
    (block,) = attribution.section(make_view(make_trials(lambda *_: "s", space=space), space=space)).blocks
    assert said in block.text


def test_a_mix_without_a_name_is_described(make_trials, make_view) -> None:
    trials = make_trials(lambda *_: "s", space=LR)
    trials.loc[trials["recipe"] == "devlin", ["recipe", "mixout"]] = ["mixout", 0.1]
    (block,) = attribution.section(make_view(trials, recipes=("mixout", "stable"), space=LR)).blocks
    assert "differ in bias_correction, mixout, num_epochs. What each brings shows in the 8 recipes" in block.text
    assert "run also devlin; devlin+epochs; devlin+correction; one with " in block.text
    assert block.text.count("one with bias_correction=") == 3
    assert "one with bias_correction=False, mixout=0.1, num_epochs=20; " in block.text


def test_recipes_that_differ_in_what_the_space_spans_alone(make_trials, make_view) -> None:
    space = SearchSpace("own", (LR.axes[0], get_space("wide", 2e-5).axes[2]))
    trials = make_trials(lambda *_: "s", space=space)
    trials.loc[trials["recipe"] == "devlin", "recipe"] = "devlin+correction"
    (block,) = attribution.section(make_view(trials, recipes=("devlin+correction", "stable"), space=space)).blocks
    assert "nothing but what the space spans" in block.text


def test_recipes_that_were_not_run_on_the_same_configurations(make_trials, make_view) -> None:
    trials = make_trials(lambda *_: "s", space=LR)
    (block,) = attribution.section(make_view(trials, recipes=LADDER, space=LR)).blocks
    assert "once all have trials on the same configurations" in block.text


def test_one_arm_has_nothing_to_attribute(make_trials, make_view) -> None:
    trials = make_trials(lambda *_: "s")
    alone = make_view(trials[trials["recipe"] == "stable"], recipes=("stable",))
    assert attribution.section(alone).blocks == ()
    assert attribution.section(make_view(trials, sampler="tpe")).blocks == ()
