from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tune_stability import load_results
from tune_stability.analysis.attribution import attribution
from tune_stability.analysis.factorial import arm_settings, attribute_widening, find_factorial
from tune_stability.analysis.frames import success_arrays
from tune_stability.axes import Axis
from tune_stability.errors import UserError
from tune_stability.recipes import RECIPES
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.store import read_study

LR = get_space("lr", 2e-5)
ARMS = {name: dataclasses.asdict(recipe.hyperparameters(2e-5)) for name, recipe in RECIPES.items()}
LADDER = ("devlin", "devlin+correction", "devlin+epochs", "stable")


def test_the_eight_recipes_are_the_corners_between_no_warmup_and_stable() -> None:
    found = find_factorial(ARMS, "no-warmup", "stable")
    assert found.levels == {"bias_correction": (False, True), "num_epochs": (3, 20), "warmup_ratio": (0.0, 0.1)}
    b, e, w = found.levels
    assert found.corners == {
        frozenset(): "no-warmup",
        frozenset({b}): "no-warmup+correction",
        frozenset({e}): "no-warmup+epochs",
        frozenset({w}): "devlin",
        frozenset({b, e}): "no-warmup+correction+epochs",
        frozenset({b, w}): "devlin+correction",
        frozenset({e, w}): "devlin+epochs",
        frozenset({b, e, w}): "stable",
    }


@pytest.mark.parametrize(
    ("baseline", "treatment", "arms", "ingredients"),
    [
        ("devlin", "stable", LADDER, {"bias_correction", "num_epochs"}),
        ("stable", "devlin", LADDER, {"bias_correction", "num_epochs"}),
        ("devlin", "mixout", ("devlin", "mixout"), {"mixout"}),
        ("devlin", "no-warmup+epochs", (*LADDER, "no-warmup", "no-warmup+epochs"), {"num_epochs", "warmup_ratio"}),
    ],
)
def test_other_pairs(baseline: str, treatment: str, arms: tuple[str, ...], ingredients: set[str]) -> None:
    found = find_factorial({name: ARMS[name] for name in arms}, baseline, treatment)
    assert set(found.levels) == ingredients
    assert len(found.corners) == 2 ** len(ingredients)
    assert (found.corners[frozenset()], found.corners[frozenset(ingredients)]) == (baseline, treatment)


def test_of_two_recipes_with_the_same_settings_the_named_one_is_taken() -> None:
    arms = {"again": ARMS["stable"], **{name: ARMS[name] for name in LADDER}, "twin": ARMS["devlin+epochs"]}
    found = find_factorial(arms, "devlin", "stable")
    assert found.corners[frozenset({"bias_correction", "num_epochs"})] == "stable"
    assert found.corners[frozenset({"num_epochs"})] == "devlin+epochs"


@pytest.mark.parametrize(
    ("names", "baseline", "treatment", "words"),
    [
        (LADDER, "devlin", "stabel", "unknown recipe 'stabel'; did you mean 'stable'?"),
        (LADDER, "devlin", "devlin", "'devlin' and 'devlin' differ in nothing but the space's axes"),
        (
            ("devlin", "devlin+correction", "stable"),
            "devlin",
            "stable",
            "attribution from 'devlin' to 'stable' needs 4 recipes, and none of devlin, devlin+correction, stable has "
            "bias_correction=False, num_epochs=20; run that recipe too.",
        ),
        ((*LADDER, "mixout"), "mixout", "stable", "needs 8 recipes"),
    ],
)
def test_not_full(names: tuple[str, ...], baseline: str, treatment: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        find_factorial({name: ARMS[name] for name in names}, baseline, treatment)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_axis_is_no_ingredient(analytic_frame) -> None:
    axes = (*LR.axes, Axis("num_epochs", 2, 20, "log"))
    space = SearchSpace("two", axes)
    frame = analytic_frame(space, ("devlin", "stable"), 8, 1)
    settings = arm_settings(frame, space)
    assert set(settings) == {"devlin", "stable"}
    assert find_factorial(settings, "devlin", "stable").levels == {"bias_correction": (False, True)}
    with pytest.raises(UserError, match=r"recipe 'devlin' has several values of num_epochs, which the space 'lr'"):
        arm_settings(frame, LR)


def test_a_table_of_trials_gives_what_its_arrays_give(analytic_frame) -> None:
    names = [name for name, recipe in RECIPES.items() if len(recipe.pinned()) == 3]
    frame = analytic_frame(LR, [*names, "mixout"], 16, 2)
    factorial, found = attribute_widening(frame.sample(frac=1, random_state=0), "no-warmup", "stable", LR)
    arms = success_arrays(frame, names, LR)
    expected = attribution({key: arms.success[name] for key, name in factorial.corners.items()}, arms.points)
    assert found.widening == expected.widening
    assert found.shapley == expected.shapley
    assert all(np.isfinite(one.estimate) for one in found.interactions.values())


def test_the_committed_ladder_is_attributed_to_correction_and_epochs() -> None:
    folder = Path(__file__).parents[2] / "results" / "lr-micro-bert-grammar"
    factorial, found = attribute_widening(load_results(folder), "devlin", "stable", read_study(folder).space, "grid")
    assert list(factorial.levels) == list(found.shapley) == ["bias_correction", "num_epochs"]
    # Rates .15, .3375 with correction, .575 with epochs and .5875 with both.
    estimates = {name: one.estimate for name, one in found.shapley.items()}
    assert estimates == pytest.approx({"bias_correction": 0.1, "num_epochs": 0.3375})
    # Either makes the other less needed: .5875 - .575 - .3375 + .15.
    assert found.interactions[("bias_correction", "num_epochs")].estimate == pytest.approx(-0.175)
    assert found.shapley["num_epochs"].low > 0.2
