from __future__ import annotations

import numpy as np
import pytest

from tune_stability.page import trials as page_trials
from tune_stability.page.blocks import Numbers, Picture, Text
from tune_stability.page.sections import scores
from tune_stability.spaces import SearchSpace, get_space

LR, WIDE = get_space("lr", 2e-5), get_space("wide", 2e-5)


def half(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 and (seed % 2 == 0 or recipe == "stable") else "u"


def traces(picture: Picture, kind: str) -> list[dict]:
    return [trace for trace in picture.data if trace["type"] == kind]


def test_boxes_by_arm_and_rate_with_a_point_for_each_trial(make_trials, make_view) -> None:
    trials = make_trials(half, n_configs=4, space=LR)
    by_arm, by_rate, table = scores.section(make_view(trials, space=LR)).blocks
    assert [one["median"] for one in traces(by_arm, "box")] == [[0.0], [0.1], [0.25], [0.35]]
    assert [one["name"] for one in traces(by_arm, "box")][:2] == [
        "devlin, end of training",
        "devlin, best while training",
    ]
    for picture in (by_arm, by_rate):
        found = [trial for one in traces(picture, "scatter") for trial in one["customdata"]]
        assert sorted(found) == sorted(trials["trial_id"])
        assert [shape["y0"] for shape in picture.layout["shapes"]] == [0.0]
        assert all("gl" not in one["type"] for one in picture.data)
    score_of = trials.set_index("trial_id")["score"]
    for one in traces(by_rate, "scatter"):
        assert one["y"] == pytest.approx([score_of[trial] for trial in one["customdata"]])
    assert [len(one["x"]) for one in traces(by_rate, "box")] == [4, 4]
    assert "devlin median 0, quartiles 0 and 0.125" in by_arm.alt
    assert isinstance(table, Numbers)
    assert table.table["where"].iloc[0] == "whole region"
    assert set(table.table["score"]) == {"end of training", "best while training"}


def test_pictures_of_scores_are_the_same_by_every_rule(make_trials, make_view) -> None:
    trials = make_trials(half)
    first, second = (scores.section(make_view(trials, rule)).blocks[0] for rule in ("majority", "margin:0.505"))
    assert (first.data, first.layout) == (second.data, second.layout)


def test_of_a_large_study_only_embedded_trials_are_points(make_trials, make_view, monkeypatch) -> None:
    monkeypatch.setattr(page_trials, "MOST_TRIALS", 16)
    trials = make_trials(half)
    picture = scores.section(make_view(trials)).blocks[0]
    found = {trial for one in traces(picture, "scatter") for trial in one["customdata"]}
    assert found == set(page_trials.embedded(trials)["trial_id"])
    assert "a point per trial of 16 of all 64" in picture.note
    # The boxes are of all.
    assert picture.table["n"].tolist() == [32] * 4


def test_without_a_learning_rate_there_is_no_picture_by_rate(make_trials, make_view) -> None:
    space = SearchSpace("own", WIDE.axes[1:])
    blocks = scores.section(make_view(make_trials(half, space=space), space=space)).blocks
    assert [block.kind for block in blocks] == ["picture", "numbers"]


def test_an_arm_that_always_diverged_has_no_box(make_trials, make_view) -> None:
    trials = make_trials(half, n_configs=4)
    trials.loc[trials["recipe"] == "devlin", ["score", "best_score"]] = np.nan
    picture = scores.section(make_view(trials)).blocks[0]
    assert [len(one["median"]) for one in traces(picture, "box")] == [0, 0, 1, 1]
    assert "8 trials diverged" in picture.note
    blocks = scores.section(make_view(trials.assign(score=np.nan, best_score=np.nan))).blocks
    assert blocks[0] == Text("No trial has a score: every one diverged.")
    assert set(blocks[1].table["mean"]) == {"-"}


def test_a_search_without_design_rows_says_so(make_trials, make_view) -> None:
    (block,) = scores.section(make_view(make_trials(half), sampler="tpe")).blocks
    assert "design rows" in block.text


def test_intervals_that_are_not_trusted_are_marked(make_trials, make_view) -> None:
    trials = make_trials(lambda recipe, index, seed: "u" if seed % 6 == 5 else "s", n_configs=8, n_seeds=6, space=LR)
    table = scores.section(make_view(trials, space=LR, num_seeds=6)).blocks[-1].table.set_index("where")
    own = next(where for where in table.index if where.endswith("nearest its own rate"))
    best = next(where for where in table.index if where.endswith("its best"))
    assert not table.loc[own, "mean"].iloc[0].endswith("?")
    assert "[" in table.loc[own, "mean"].iloc[0]
    assert table.loc[best, "mean"].iloc[0].endswith("?")
    assert "[" not in table.loc["whole region", "std"].iloc[0]
