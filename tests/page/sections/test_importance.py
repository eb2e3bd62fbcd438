from __future__ import annotations

import numpy as np
import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.page.blocks import Picture, Text
from tune_stability.page.sections import importance
from tune_stability.spaces import SearchSpace, get_space


def every_third(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 3 else "u"


def test_points_without_intervals_for_success_and_score(make_trials, make_view) -> None:
    said, *pictures = importance.section(make_view(make_trials(every_third))).blocks
    assert "No interval of an importance can be trusted" in said.text
    assert [picture.name for picture in pictures] == ["importance-success", "importance-score"]
    for picture in pictures:
        assert [trace["name"] for trace in picture.data] == ["devlin", "stable"]
        assert all(sum(trace["x"]) == pytest.approx(100, abs=0.01) for trace in picture.data)
        assert all("error_x" not in trace for trace in picture.data)
        assert np.round(picture.data[0]["y"]).tolist() == [0, 1, 2]
        assert picture.layout["yaxis"]["ticktext"] == ["learning rate", "warmup ratio", "epochs"]


def test_what_all_trials_share_is_said(make_trials, make_view) -> None:
    _, success, score = importance.section(make_view(make_trials(lambda *_: "s"))).blocks
    assert success == Text("No axis decides success: all trials are alike, or at one configuration.")
    assert isinstance(score, Picture)
    lost = make_trials(lambda *_: "d").assign(score=np.nan, best_score=np.nan)
    assert [block.kind for block in importance.section(make_view(lost)).blocks] == ["text"] * 3


def test_choices_are_axes_too(make_trials, make_view) -> None:
    space = SearchSpace("own", (Axis("learning_rate", 1e-6, 1e-3, "log"), ChoiceAxis("batch_size", (8, 16))))
    blocks = importance.section(make_view(make_trials(every_third, space=space), space=space)).blocks
    assert [block.kind for block in blocks] == ["text", "picture", "picture"]


def test_there_may_be_no_section(make_trials, make_view) -> None:
    space = get_space("lr", 2e-5)
    assert importance.section(make_view(make_trials(every_third, space=space), space=space)).blocks == ()
    assert importance.section(make_view(make_trials(every_third), sampler="tpe")).blocks == ()
