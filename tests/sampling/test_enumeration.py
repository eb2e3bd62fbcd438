from __future__ import annotations

from collections import Counter

import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.recipes import (
    DEVLIN,
    DEVLIN_CORRECTED,
    DEVLIN_LONG,
    LLRD,
    MIXOUT,
    RECIPES,
    REINIT,
    STABLE,
    Recipe,
)
from tune_stability.sampling.enumeration import (
    check_recipes_differ,
    configuration_trials,
    design_configurations,
    design_to_analyse,
    enumerate_trials,
    what_is_compared,
)
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.studies import StudySpec

EPOCHS = SearchSpace("epochs", (Axis("num_epochs", 1, 4),))


def ids(spec: StudySpec) -> list[str]:
    return [trial.trial_id for trial in enumerate_trials(spec)]


def test_trials_come_by_configuration_then_seed_then_recipe(make_spec) -> None:
    trials = enumerate_trials(make_spec(num_configs=3, num_seeds=2))
    assert [(t.config_index, t.seed, t.recipe) for t in trials] == [
        (index, 1000 * index + seed, recipe)
        for index in range(3)
        for seed in range(2)
        for recipe in ("devlin", "stable")
    ]
    assert {t.source for t in trials} == {"design"}


@pytest.mark.parametrize(("num_configs", "indices"), [(1, [0]), (4, [0]), (5, [0, 4]), (17, [0, 4, 8, 12, 16])])
def test_a_quarter_of_a_boundary_study_is_the_sobol_design(make_spec, num_configs: int, indices: list[int]) -> None:
    found = design_configurations(make_spec(sampler="boundary", num_configs=num_configs))
    assert list(found) == indices
    assert list(found.values()) == list(design_configurations(make_spec(num_configs=len(indices))).values())


def test_design_rows_of_a_boundary_study_have_the_replicate_of_their_place_in_the_design(make_spec) -> None:
    spec = make_spec(sampler="boundary", num_configs=17, replicates=3)
    sobol = enumerate_trials(make_spec(num_configs=5, replicates=3))
    for index, configuration in design_configurations(spec).items():
        (wanted,) = {trial.replicate for trial in sobol if trial.config_index == index // 4}
        assert {trial.replicate for trial in configuration_trials(spec, index, configuration, "design")} == {wanted}
    adaptive = configuration_trials(spec, 5, {"learning_rate": 1e-5, "warmup_ratio": 0.1, "num_epochs": 3}, "adaptive")
    assert {trial.replicate for trial in adaptive} == {None}


def test_each_configuration_has_seeds_of_its_own_which_its_recipes_share(make_spec) -> None:
    trials = enumerate_trials(make_spec(num_configs=8, num_seeds=5))
    configurations_of: dict[int, set[int]] = {}
    for trial in trials:
        configurations_of.setdefault(trial.seed, set()).add(trial.config_index)
    assert all(len(indices) == 1 for indices in configurations_of.values())
    assert set(Counter(trial.seed for trial in trials).values()) == {2}


def test_a_trial_has_the_axes_of_its_configuration_and_the_rest_of_its_recipe(make_spec) -> None:
    spec = make_spec(num_configs=4)
    for trial in enumerate_trials(spec):
        recipe = DEVLIN if trial.recipe == "devlin" else STABLE
        configuration = design_configurations(spec)[trial.config_index]
        assert set(configuration) == {"learning_rate", "warmup_ratio", "num_epochs"}
        assert trial.hyperparameters == recipe.hyperparameters(2e-5).replace(**configuration)
        assert trial.hyperparameters.bias_correction == (trial.recipe == "stable")


def test_the_lr_space_leaves_each_recipe_its_epochs(make_spec) -> None:
    trials = enumerate_trials(make_spec(space=get_space("lr", 2e-5)))
    assert {(t.recipe, t.hyperparameters.num_epochs) for t in trials} == {("devlin", 3), ("stable", 20)}


def test_ids_are_all_different(make_spec) -> None:
    found = ids(make_spec(num_configs=32, num_seeds=4))
    assert len(set(found)) == len(found) == 32 * 4 * 2


def test_two_more_seeds_add_two_per_configuration_and_arm_and_keep_the_others(make_spec) -> None:
    three, five = ids(make_spec(num_seeds=3)), ids(make_spec(num_seeds=5))
    assert set(three) < set(five)
    new = [trial for trial in enumerate_trials(make_spec(num_seeds=5)) if trial.trial_id not in set(three)]
    assert Counter((t.config_index, t.recipe) for t in new) == {
        (i, r): 2 for i in range(8) for r in ("devlin", "stable")
    }


def test_a_factorial_study_has_every_combination_of_seeds_and_its_recipes_share_them(make_spec) -> None:
    trials = enumerate_trials(make_spec(seed_scheme="factorial", num_configs=3, num_seeds=2))
    assert len(trials) == 3 * 8 * 2
    assert len({trial.trial_id for trial in trials}) == len(trials)
    seeds = [(t.seed, t.init_seed, t.data_seed, t.dropout_seed) for t in trials]
    assert seeds[::2] == seeds[1::2]
    assert {t.recipe for t in trials[::2]} == {"devlin"}
    assert len(set(seeds)) == 3 * 8


def test_one_more_factorial_seed_keeps_the_trials(make_spec) -> None:
    two, three = (ids(make_spec(seed_scheme="factorial", num_configs=2, num_seeds=n)) for n in (2, 3))
    assert set(two) < set(three)
    assert len(three) - len(two) == 2 * 19 * 2


@pytest.mark.parametrize("sampler", ["sobol", "random"])
def test_twice_the_configurations_keep_the_first_ones(make_spec, sampler: str) -> None:
    few, many = ids(make_spec(sampler=sampler, num_configs=32)), ids(make_spec(sampler=sampler, num_configs=64))
    assert many[: len(few)] == few
    assert len(many) == 2 * len(few)


def test_another_design_seed_is_another_design(make_spec) -> None:
    assert not set(ids(make_spec(design_seed=0))) & set(ids(make_spec(design_seed=1)))


def test_one_more_recipe_keeps_the_trials_of_the_others(make_spec) -> None:
    assert set(ids(make_spec(recipes=(DEVLIN,)))) < set(ids(make_spec(recipes=(DEVLIN, STABLE))))


@pytest.mark.parametrize("sampler", ["sobol", "random", "grid"])
def test_a_configuration_of_whole_numbers_that_comes_again_is_kept(make_spec, sampler: str) -> None:
    spec = make_spec(space=EPOCHS, sampler=sampler, num_configs=32, num_seeds=2)
    configurations = design_configurations(spec)
    assert {c["num_epochs"] for c in configurations.values()} == {1, 2, 3, 4}
    # Left out, it would lose its weight in the measure; its seeds are others, so its trials are too.
    assert sorted(configurations) == list(range(32))
    assert len(set(ids(spec))) == 32 * 2 * 2


CHOSEN = SearchSpace(
    "chosen",
    (
        Axis("learning_rate", 1e-6, 1e-4, "log"),
        ChoiceAxis("lr_scheduler_type", ("linear", "cosine", "constant")),
        ChoiceAxis("batch_size", (8, 32)),
    ),
)


@pytest.mark.parametrize(("sampler", "num_configs"), [("sobol", 48), ("random", 48), ("grid", 48)])
def test_choices_are_taken_about_equally_often(make_spec, sampler: str, num_configs: int) -> None:
    trials = enumerate_trials(make_spec(space=CHOSEN, sampler=sampler, num_configs=num_configs, num_seeds=1))
    for name, choices in (("lr_scheduler_type", ("linear", "cosine", "constant")), ("batch_size", (8, 32))):
        counts = Counter(getattr(trial.hyperparameters, name) for trial in trials)
        assert set(counts) == set(choices)
        spread = {"sobol": 2 * 2, "random": 2 * 14, "grid": 0}[sampler]
        assert max(counts.values()) - min(counts.values()) <= spread
    assert len({trial.trial_id for trial in trials}) == 2 * num_configs


def test_a_grid_has_every_combination_of_choices_at_every_learning_rate(make_spec) -> None:
    configurations = design_configurations(make_spec(space=CHOSEN, sampler="grid", num_configs=12)).values()
    assert len({tuple(c.values()) for c in configurations}) == 12
    assert sorted({c["learning_rate"] for c in configurations}) == pytest.approx([10**-5.5, 10**-4.5])


def test_choices_that_override_all_differences_are_refused(make_spec) -> None:
    space = SearchSpace("switched", (ChoiceAxis("bias_correction", (True, False)),))
    with pytest.raises(UserError, match=r"^the recipes devlin and devlin\+correction are the same in the space swi"):
        check_recipes_differ(make_spec(space=space, recipes=(DEVLIN, DEVLIN_CORRECTED)))
    check_recipes_differ(make_spec(space=space, recipes=(DEVLIN, DEVLIN_LONG)))


def test_an_adaptive_sampler_has_no_configurations_up_front(make_spec) -> None:
    assert design_configurations(make_spec(sampler="tpe")) == {}
    assert enumerate_trials(make_spec(sampler="tpe")) == []


def test_more_seeds_than_a_configuration_has_are_refused(make_spec) -> None:
    configuration = {"learning_rate": 2e-5, "warmup_ratio": 0.1, "num_epochs": 3}
    assert len(configuration_trials(make_spec(num_seeds=1000), 0, configuration, "design")) == 2000
    with pytest.raises(UserError, match="at most 1000 seeds, received 1001"):
        configuration_trials(make_spec(num_seeds=1001), 0, configuration, "design")


@pytest.mark.parametrize(
    ("space", "recipes", "same"),
    [
        ("wide", (DEVLIN, DEVLIN_LONG), ("devlin", "devlin+epochs")),
        ("wide", (DEVLIN, STABLE, DEVLIN_CORRECTED), ("stable", "devlin+correction")),
        ("lr", (DEVLIN, Recipe("again", "", DEVLIN)), ("devlin", "again")),
    ],
)
def test_recipes_that_a_space_makes_one_are_refused_by_name(
    make_spec, space: str, recipes: tuple[Recipe, ...], same: tuple[str, str]
) -> None:
    with pytest.raises(UserError) as caught:
        check_recipes_differ(make_spec(space=get_space(space, 2e-5), recipes=recipes))
    message = str(caught.value)
    assert message.startswith(f"the recipes {same[0]} and {same[1]} are the same in the space {space}, ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("space", "recipes"), [("wide", (DEVLIN, STABLE, MIXOUT, REINIT, LLRD)), ("lr", tuple(RECIPES.values()))]
)
def test_recipes_that_differ_are_accepted(make_spec, space: str, recipes: tuple[Recipe, ...]) -> None:
    check_recipes_differ(make_spec(space=get_space(space, 2e-5), recipes=recipes))


@pytest.mark.parametrize(
    ("space", "recipes", "sentence"),
    [
        (
            "wide",
            (DEVLIN, STABLE),
            "The arms share learning_rate, warmup_ratio, num_epochs (same configurations, same seeds) and differ in "
            "bias_correction; the recipes' own num_epochs are overridden by the space.",
        ),
        (
            "wide",
            (DEVLIN, DEVLIN_CORRECTED),
            "The arms share learning_rate, warmup_ratio, num_epochs (same configurations, same seeds) and differ in "
            "bias_correction: the recipes as published, over this range.",
        ),
        (
            "lr",
            (DEVLIN, STABLE),
            "The arms share learning_rate (same configurations, same seeds) and differ in bias_correction, "
            "num_epochs: the recipes as published, over this range.",
        ),
        ("wide", (STABLE,), "One recipe over learning_rate, warmup_ratio, num_epochs."),
        ("lr", (DEVLIN,), "One recipe over learning_rate."),
    ],
)
def test_what_is_compared_is_said(make_spec, space: str, recipes: tuple[Recipe, ...], sentence: str) -> None:
    assert what_is_compared(make_spec(space=get_space(space, 2e-5), recipes=recipes)) == sentence


@pytest.mark.parametrize(
    ("sampler", "completed", "expected"),
    [
        ("sobol", 3, "sobol"),
        ("random", 16, "random"),
        ("grid", 16, "grid"),
        ("grid", 15, "random"),
        ("boundary", 3, "sobol"),
        ("tpe", 16, None),
    ],
)
def test_what_has_run_of_a_grid_is_a_random_part_of_it(make_spec, sampler: str, completed: int, expected: str) -> None:
    assert design_to_analyse(make_spec(sampler=sampler, num_configs=4, num_seeds=2), completed) == expected
