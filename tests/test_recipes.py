from __future__ import annotations

import itertools

import pytest

from tune_stability.errors import UserError
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES, Hyperparameters
from tune_stability.recipes import DEVLIN, RECIPES, STABLE, Recipe, get_recipe

# name: bias correction, epochs, warmup ratio (Devlin et al. 2019, Mosbach et al. 2020, and the steps between), the rest
PUBLISHED: dict[str, tuple[bool, int, float, dict[str, float | int]]] = {
    "devlin": (False, 3, 0.1, {}),
    "devlin+correction": (True, 3, 0.1, {}),
    "devlin+epochs": (False, 20, 0.1, {}),
    "stable": (True, 20, 0.1, {}),
    "no-warmup": (False, 3, 0.0, {}),
    "no-warmup+correction": (True, 3, 0.0, {}),
    "no-warmup+epochs": (False, 20, 0.0, {}),
    "no-warmup+correction+epochs": (True, 20, 0.0, {}),
    # Lee et al. 2020 as Mosbach et al. 2020 ran it.
    "mixout": (False, 3, 0.1, {"mixout": 0.1}),
    # Zhang et al. 2021: one difference each from the corrected optimizer over three epochs.
    "reinit": (True, 3, 0.1, {"reinit_layers": 1}),
    "llrd": (True, 3, 0.1, {"layerwise_lr_decay": 0.95}),
}


def test_there_are_just_these_recipes_under_their_own_names() -> None:
    assert set(RECIPES) == set(PUBLISHED)
    assert all(recipe.name == name for name, recipe in RECIPES.items())


@pytest.mark.parametrize("name", PUBLISHED)
def test_recipes_as_published(name: str) -> None:
    bias_correction, num_epochs, warmup_ratio, rest = PUBLISHED[name]
    wanted = {"bias_correction": bias_correction, "num_epochs": num_epochs, "warmup_ratio": warmup_ratio, **rest}
    assert get_recipe(name).pinned() == wanted
    # All else is the common setting, at the model's reference rate.
    assert get_recipe(name).hyperparameters(3e-4) == Hyperparameters(learning_rate=3e-4, **wanted)
    assert get_recipe(name).hyperparameters(2e-5).learning_rate == 2e-5


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_recipe_names_each_of_its_differences_once(name: str) -> None:
    recipe = RECIPES[name]
    inherited = recipe.parent.pinned() if recipe.parent else {}
    assert set(recipe.differences) <= set(HYPERPARAMETER_NAMES)
    assert all(inherited.get(key) != value for key, value in recipe.differences.items())


def test_the_three_ingredients_of_the_stable_baseline_have_a_recipe_for_each_of_their_eight_sets() -> None:
    settings = [frozenset(recipe.pinned().items()) for recipe in RECIPES.values() if len(recipe.pinned()) == 3]
    levels = {"bias_correction": (False, True), "num_epochs": (3, 20), "warmup_ratio": (0.0, 0.1)}
    eight = [frozenset(zip(levels, values, strict=True)) for values in itertools.product(*levels.values())]
    assert len(settings) == 8
    assert set(settings) == set(eight)


def test_a_child_overrides_its_ancestors_and_inherits_the_rest() -> None:
    a = Recipe("a", "", None, {"num_epochs": 5, "dropout": 0.2, "batch_size": 8})
    b = Recipe("b", "", a, {"num_epochs": 6, "weight_decay": 0.1})
    c = Recipe("c", "", b, {"num_epochs": 7, "dropout": 0.3})
    assert c.pinned() == {"num_epochs": 7, "dropout": 0.3, "batch_size": 8, "weight_decay": 0.1}
    assert b.pinned() == {"num_epochs": 6, "dropout": 0.2, "batch_size": 8, "weight_decay": 0.1}
    assert a.pinned() == {"num_epochs": 5, "dropout": 0.2, "batch_size": 8}
    assert c.hyperparameters(1e-4) == Hyperparameters(
        learning_rate=1e-4, num_epochs=7, dropout=0.3, batch_size=8, weight_decay=0.1
    )


def test_a_pinned_learning_rate_is_not_the_reference_rate() -> None:
    recipe = Recipe("hot", "", STABLE, {"learning_rate": 1e-3})
    assert recipe.hyperparameters(3e-4).learning_rate == 1e-3


def test_a_recipe_without_differences_is_its_parent() -> None:
    assert Recipe("same", "", DEVLIN).pinned() == DEVLIN.pinned()
    assert Recipe("bare", "").hyperparameters(2e-5) == Hyperparameters()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("stabel", "stable"), ("Devlin", "devlin"), ("devlin+correct", "devlin+correction"), ("devlin epochs", None)],
)
def test_an_unknown_recipe_names_the_nearest(name: str, nearest: str | None) -> None:
    with pytest.raises(UserError, match=r"^unknown recipe ") as caught:
        get_recipe(name)
    message = str(caught.value)
    assert f"did you mean {nearest or 'devlin+epochs'!r}?" in message
    assert message.endswith(
        "Allowed: devlin, devlin+correction, devlin+epochs, llrd, mixout, no-warmup, no-warmup+correction, "
        "no-warmup+correction+epochs, no-warmup+epochs, reinit, stable."
    )
    assert "\n" not in message


def test_every_recipe_names_its_source() -> None:
    assert RECIPES["mixout"].source == "Lee et al. 2020"
    assert {RECIPES[name].source for name in ("reinit", "llrd")} == {"Zhang et al. 2021"}
    assert all(recipe.source for recipe in RECIPES.values())


@pytest.mark.parametrize("name", ["", "zzz", "adam\nw"])
def test_a_name_far_from_all_gets_no_hint(name: str) -> None:
    with pytest.raises(UserError, match=r"^unknown recipe ") as caught:
        get_recipe(name)
    assert "did you mean" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ({"epochs": 3}, "unknown hyperparameter 'epochs'; did you mean 'num_epochs'?"),
        ({"num_epochs": 0}, "num_epochs must lie in [1, inf), received 0."),
        ({"bias_correction": "no"}, "bias_correction must be of type bool, received 'no'."),
    ],
)
def test_a_recipe_with_a_wrong_difference_is_refused_when_used(differences: dict, words: str) -> None:
    with pytest.raises(UserError) as caught:
        Recipe("wrong", "", STABLE, differences).hyperparameters(2e-5)
    assert words in str(caught.value)


def test_the_table_of_recipes_is_read_only() -> None:
    with pytest.raises(TypeError):
        RECIPES["mine"] = DEVLIN  # type: ignore[index]
