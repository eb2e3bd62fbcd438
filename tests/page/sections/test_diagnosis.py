from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import numpy as np
import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.page.blocks import Block, Choice, Picture, Row, Section, Text, bold
from tune_stability.page.sections.diagnosis import section
from tune_stability.spaces import SearchSpace


def mixed(recipe: str, index: int, seed: int) -> str:
    """devlin vanishes at every configuration with seed 0, and is undertrained at the first one with seed 1."""
    if recipe == "devlin" and seed == 0:
        return "v"
    return "u" if (recipe, index) == ("devlin", 0) else "s"


def pictures(blocks: tuple[Block, ...]) -> Iterator[Picture]:
    for block in blocks:
        if isinstance(block, Picture):
            yield block
        elif isinstance(block, Row):
            yield from block.pictures
        elif isinstance(block, Choice):
            for _, own in block.options:
                yield from pictures(own)


def texts(found: Section) -> str:
    return " ".join(block.text for block in found.blocks if isinstance(block, Text))


def named(found: Section) -> dict[str, Picture]:
    return {picture.name: picture for picture in pictures(found.blocks)}


def test_each_failure_mode_has_a_pair_to_choose(view_of) -> None:
    found = section(view_of(mixed))
    assert "Of 16 trials with an outcome 5 failed" in texts(found)
    assert f"{bold('vanishing gradients')} 4" in texts(found)
    assert f"{bold('undertrained')} 1" in texts(found)
    (choice,) = (block for block in found.blocks if isinstance(block, Choice))
    assert [name for name, _ in choice.options] == ["vanishing gradients", "undertrained"]
    shown = named(found)
    assert set(shown) == {
        *(
            f"gradients-{mode}-{part}"
            for mode in ("vanishing_gradients", "undertrained")
            for part in ("failed", "success")
        ),
        *(f"{what}-{mode}" for mode in ("vanishing_gradients", "undertrained") for what in ("loss", "score")),
        "score-against-loss",
    }


def test_a_point_knows_its_trial(view_of) -> None:
    view = view_of(mixed)
    failed = view.trials.set_index("trial_id")["outcome"]
    shown = named(section(view))
    for part, outcome in (("failed", "failed"), ("success", "success")):
        picture = shown[f"gradients-vanishing_gradients-{part}"]
        ids = {name for line in picture.data for name in line["customdata"]}
        assert [failed[name] for name in ids] == [outcome]
        assert [line["name"] for line in picture.data] == ["layer 1", "classifier"]
        assert list(picture.table.columns) == ["step", "layer_1", "classifier"]
    ends = shown["score-against-loss"]
    placed = {
        name: (x, y)
        for trace in ends.data
        for name, x, y in zip(*(trace.get(key, []) for key in ("customdata", "x", "y")), strict=False)
    }
    rows = view.trials.set_index("trial_id")
    assert len(placed) == 16
    assert all(placed[name] == (rows.loc[name, "train_loss"], rows.loc[name, "score"]) for name in placed)


def test_both_panels_of_gradients_have_one_range(view_of) -> None:
    shown = named(section(view_of(mixed)))
    ranges = [shown[f"gradients-vanishing_gradients-{part}"].layout["yaxis"]["range"] for part in ("failed", "success")]
    # From .001 to 1, and a bit.
    assert ranges[0] == ranges[1] == pytest.approx([-3.2, 0.2])


def test_the_rule_decides_on_the_symbol_not_on_the_trials_chosen(view_of) -> None:
    view, strict = view_of(mixed), view_of(mixed, rule="margin:0.9")
    symbols = [
        {trace["marker"]["symbol"] for trace in named(section(one))["score-against-loss"].data if "customdata" in trace}
        for one in (view, strict)
    ]
    assert symbols == [{"circle", "x"}, {"x"}]
    assert named(section(view)).keys() == named(section(strict)).keys()


@pytest.mark.parametrize(
    ("letter", "said", "names"),
    [
        ("s", f"{bold('No failure')} to explain", {"gradients--success", "loss-", "score-", "score-against-loss"}),
        (
            "u",
            "8 failed",
            {"gradients-undertrained-failed", "loss-undertrained", "score-undertrained", "score-against-loss"},
        ),
        ("d", "No trial has both a finite", {"gradients-diverged-failed", "loss-diverged", "score-diverged"}),
        ("e", "No trial has an outcome yet", set()),
    ],
    ids=["no failure", "only failures", "all diverged", "only errors"],
)
def test_whatever_happened_the_section_says_so(view_of, letter: str, said: str, names: set[str]) -> None:
    found = section(view_of(lambda *_: letter, n_configs=2))
    assert said in texts(found)
    assert set(named(found)) == names
    json.dumps([(picture.data, picture.layout) for picture in named(found).values()], allow_nan=False)


@pytest.mark.parametrize(
    "space",
    [
        SearchSpace("own", (Axis("num_epochs", 1, 20, "log"),)),
        SearchSpace("own", (ChoiceAxis("lr_scheduler_type", ("linear", "cosine")), Axis("warmup_ratio", 0.0, 0.3))),
    ],
    ids=["no learning rate", "choices"],
)
def test_other_spaces(view_of, space: SearchSpace) -> None:
    assert "gradients-vanishing_gradients-failed" in named(section(view_of(mixed, space=space)))


def test_one_configuration_and_one_seed(view_of) -> None:
    assert "loss-vanishing_gradients" in named(section(view_of(mixed, n_configs=1, n_seeds=1)))


def test_gradients_of_a_diverged_trial_leave_gaps(view_of) -> None:
    view = view_of(lambda recipe, *_: "d" if recipe == "devlin" else "s")
    view.gradients.loc[view.gradients["step"] == 2, "norm"] = np.inf
    view.gradients.loc[view.gradients["step"] == 3, "norm"] = 0.0
    picture = named(section(view))["gradients-diverged-failed"]
    assert picture.data[0]["y"] == [1.0, 0.1, None, None]
    assert np.isfinite(picture.layout["yaxis"]["range"]).all()
    assert "8 without a finite loss and score have no place" in named(section(view))["score-against-loss"].note


def test_without_records_of_gradients_it_says_so(view_of) -> None:
    view = view_of(mixed)
    found = section(dataclasses.replace(view, curves=view.curves.head(0), gradients=view.gradients.head(0)))
    assert set(named(found)) == {"score-against-loss"}
    (choice,) = (block for block in found.blocks if isinstance(block, Choice))
    assert all(own[-1] == Text("No gradients were recorded in these trials.") for _, own in choice.options)


def test_a_recipe_with_marks_in_its_name_is_shown_letter_by_letter(view_of) -> None:
    def renamed(trials):
        return trials.assign(recipe=trials["recipe"].replace("devlin", "<b>x</b>"))

    found = section(view_of(mixed, edit=renamed))
    names = {trace["name"] for trace in named(found)["score-against-loss"].data}
    assert "&lt;b&gt;x&lt;/b&gt;" in names
