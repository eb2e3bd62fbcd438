from __future__ import annotations

import pytest

from tune_stability.analysis import summarize
from tune_stability.spaces import get_space


def half(recipe: str, index: int, seed: int) -> str:
    """One seed of two succeeds for devlin, both for stable, in every second configuration."""
    return "s" if index % 2 and (seed % 2 == 0 or recipe == "stable") else "u"


def test_the_numbers_are_those_of_the_summary(make_frame, make_view) -> None:
    frame = make_frame(half)
    view = make_view(frame)
    expected = summarize(frame, ["devlin", "stable"], get_space("wide", 2e-5), "sobol")
    assert view.main.widening == expected.comparisons[0].widening
    assert view.main.difference.estimate == pytest.approx(0.25)
    assert set(view.surfaces) == {"devlin", "stable"}


def test_the_rule_judges_the_trials(make_frame, make_view) -> None:
    view = make_view(make_frame(half), "margin:0.505")
    # Only a score of .51, which stable has at its second seed, beats the majority by more than .505.
    by_recipe = view.completed.groupby("recipe")["success"].mean()
    assert by_recipe.to_dict() == {"devlin": 0.0, "stable": 0.25}


def test_what_is_missing_is_counted_and_not_judged(make_frame, make_view) -> None:
    view = make_view(make_frame(lambda recipe, index, seed: "e" if index == 3 else "s"))
    assert (view.planned, len(view.completed)) == (64, 60)
    assert view.judged["success"].isna().sum() == 4


@pytest.mark.parametrize(
    ("letter", "recipes", "shown"),
    [
        ("never-stable", ("devlin", "stable"), ("devlin",)),
        ("apart", ("devlin", "stable"), ("devlin",)),
        ("all", ("stable", "devlin"), ("stable", "devlin")),
        ("errors", ("devlin", "stable"), ()),
    ],
)
def test_only_arms_that_can_be_compared_are_shown(letter, recipes, shown, make_frame, make_view) -> None:
    frame = make_frame(lambda recipe, index, seed: "e" if letter == "errors" else "s", n_configs=8)
    if letter == "never-stable":
        frame = frame[frame["recipe"] == "devlin"]
    if letter == "apart":
        frame = frame[(frame["config_index"] < 4) == (frame["recipe"] == "devlin")]
    view = make_view(frame, recipes=recipes)
    assert view.recipes == shown
    assert (view.main is None) == (len(shown) < 2)
    assert (view.summary is None) == (not shown)


def test_a_search_that_looks_at_results_has_no_summary(make_frame, make_view) -> None:
    view = make_view(make_frame(half), sampler="tpe")
    assert view.summary is None
    assert view.recipes == ()
    assert len(view.completed) == 64
