from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.page import trials as page_trials
from tune_stability.page.blocks import Picture, Row, Section
from tune_stability.page.sections.region import section
from tune_stability.spaces import SearchSpace, get_space

WIDE, LR = get_space("wide", 2e-5), get_space("lr", 2e-5)


def half(recipe: str, index: int, seed: int) -> str:
    return "s" if index % 2 and (seed % 2 == 0 or recipe == "stable") else "u"


def pictures(made: Section) -> Iterator[Picture]:
    for block in made.blocks:
        if isinstance(block, Row):
            yield from block.pictures
        elif isinstance(block, Picture):
            yield block


def marks(picture: Picture, kind: str, name: str | None = None) -> list[dict]:
    return [mark for mark in picture.data if mark["type"] == kind and (name is None or mark.get("name") == name)]


def test_arms_and_their_difference_stand_side_by_side_on_the_same_axes(view_of) -> None:
    made = section(view_of(half, 16, has_summary=True))
    assert [block.title for block in made.blocks] == [
        *("Success over learning rate and epochs", "Slices at chosen epochs"),
        *("Success over learning rate and warmup ratio", "Slices at chosen warmup ratios"),
    ]
    assert [picture.title for picture in made.blocks[0].pictures] == ["devlin", "stable", "stable minus devlin"]
    layouts = [picture.layout for picture in made.blocks[0].pictures]
    assert layouts[0] == layouts[1] == layouts[2]
    assert layouts[0]["yaxis"]["tickvals"] == [1, 2, 3, 5, 10, 20]
    assert "at warmup ratio 0.1 (as published)" in made.blocks[0].note
    assert "at 3 epochs (the middle of the axis)" in made.blocks[2].note


def test_a_surface_has_points_that_lead_to_their_trials(view_of) -> None:
    made = section(view_of(half, 16, has_summary=True))
    devlin, stable, difference = made.blocks[0].pictures
    (cells,) = marks(stable, "heatmap")
    assert (len(cells["x"]), len(cells["y"]), len(cells["z"]), len(cells["z"][0])) == (61, 21, 20, 60)
    assert (cells["zmin"], cells["zmax"]) == (0, 1)
    (points,) = marks(stable, "scatter", "configurations")
    assert points["customdata"] == [f"stable|design|{index}" for index in range(16)]
    assert points["marker"]["color"] == [0, 1] * 8
    assert points["text"][:2] == ["0 of 2", "2 of 2"]
    # As published: the reference rate, at the recipe's own epochs.
    assert [(mark["x"], mark["y"]) for mark in marks(devlin, "scatter", "as published")] == [([2e-5], [3])]
    assert [(mark["x"], mark["y"]) for mark in marks(stable, "scatter", "as published")] == [([2e-5], [20])]
    (between,) = marks(difference, "heatmap")
    assert (between["zmin"], between["zmax"]) == (-100, 100)
    assert "16 of 32 trials of 16 configurations succeed" in stable.alt
    assert "recipe'] == 'stable'" in stable.rows


def test_slices_show_all_arms_with_bands(view_of) -> None:
    made = section(view_of(half, 16, has_summary=True))
    assert [picture.title for picture in made.blocks[1].pictures] == ["1 epoch", "3 epochs", "20 epochs"]
    for picture in made.blocks[1].pictures:
        assert [mark["name"] for mark in picture.data if mark.get("name")] == ["devlin", "stable"]
        bands = [mark for mark in picture.data if mark.get("fill") == "toself"]
        assert [band["legendgroup"] for band in bands] == ["devlin", "stable"]


def test_a_space_of_one_axis_has_shares_and_their_intervals(view_of) -> None:
    made = section(view_of(half, 16, space=LR, has_summary=True))
    (row,) = made.blocks
    assert [picture.title for picture in row.pictures] == ["devlin", "stable"]
    (points,) = row.pictures[0].data
    assert points["y"] == [0, 0.5] * 8
    assert points["customdata"][3] == "devlin|design|3"
    # Blaker's interval of none of two trials, and of one of two.
    assert points["error_y"]["arrayminus"][0] == 0
    assert points["error_y"]["array"][1] == pytest.approx(points["error_y"]["arrayminus"][1])


@pytest.mark.parametrize(
    ("axes", "counts"),
    [
        ((Axis("num_epochs", 1, 20, "log"),), [2]),
        ((ChoiceAxis("lr_scheduler_type", ("linear", "cosine")),), [2]),
        ((LR.axes[0], ChoiceAxis("bias_correction", (False, True))), [2]),
        ((Axis("weight_decay", 0, 0.1), ChoiceAxis("batch_size", (8, 16))), [3, 2]),
    ],
    ids=["epochs", "names", "rate and switch", "no rate"],
)
def test_other_spaces(view_of, axes, counts: list[int]) -> None:
    space = SearchSpace("own", axes)
    made = section(view_of(half, 16, space=space, has_summary=True))
    assert [len(block.pictures) for block in made.blocks] == counts
    for picture in pictures(made):
        assert picture.data
        json.dumps([picture.data, picture.layout], allow_nan=False)


@pytest.mark.parametrize(
    ("letter", "n_configs", "n_pictures", "note"),
    [
        (lambda *_: "s", 16, 12, "All trials succeeded, so the surface is constant."),
        (lambda *_: "d", 16, 12, "All trials failed, so the surface is constant."),
        (half, 1, 12, "All trials failed, so the surface is constant."),
        (lambda recipe, index, seed: "e" if index % 3 == 0 else half(recipe, index, seed), 16, 12, ""),
        (lambda recipe, index, seed: "e" if recipe == "stable" else half(recipe, index, seed), 16, 8, ""),
    ],
    ids=["all succeed", "all fail", "one", "missing", "an arm is missing"],
)
def test_hostile_studies(view_of, letter, n_configs: int, n_pictures: int, note: str) -> None:
    found = list(pictures(section(view_of(letter, n_configs, has_summary=True))))
    assert len(found) == n_pictures
    assert found[0].note == note
    json.dumps([(picture.data, picture.layout) for picture in found], allow_nan=False)


def test_a_search_without_a_design_shows_where_it_went(view_of) -> None:
    made = section(view_of(half, 16, edit=lambda trials: trials.assign(source="adaptive")))
    assert [picture.title for picture in pictures(made)] == ["devlin", "stable"] * 2
    assert not any(marks(picture, "heatmap") for picture in pictures(made))
    points = [marks(picture, "scatter", "configurations")[0] for picture in pictures(made)]
    assert {mark["marker"]["symbol"] for mark in points} == {"diamond"}
    assert points[0]["customdata"][0] == "devlin|adaptive|0"
    assert "no surface is fitted" in made.blocks[0].note


def test_without_an_outcome_there_is_a_sentence(view_of) -> None:
    (text,) = section(view_of(lambda *_: "e", has_summary=True)).blocks
    assert text.text == "No trial has an outcome yet, so there is no region to show."


def test_a_large_study_draws_some_of_its_points_and_says_so(view_of, monkeypatch) -> None:
    monkeypatch.setattr(page_trials, "MOST_TRIALS", 16)
    made = section(view_of(half, 16, has_summary=True))
    (points,) = marks(made.blocks[0].pictures[0], "scatter", "configurations")
    assert len(points["x"]) == 4
    assert made.blocks[-1].text.startswith("8 of 32 configurations are drawn as points")


def test_trials_that_share_seeds_have_no_exact_interval(view_of) -> None:
    view = view_of(half, 16, space=LR, has_summary=True)
    view = dataclasses.replace(view, spec=dataclasses.replace(view.spec, seed_scheme="factorial"))
    (row,) = section(view).blocks
    assert "error_y" not in row.pictures[0].data[0]
    assert "interval" not in row.note
    assert "low" not in row.pictures[0].table.columns
