from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from scipy import integrate

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.hyperparameters import CHOICES, Hyperparameters
from tune_stability.outcomes import failure_mode
from tune_stability.recipes import DEVLIN, RECIPES, STABLE, Recipe
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.training.analytic import (
    PLATEAU,
    RAMP,
    basin_edges,
    run_trial,
    success_probability,
    true_success_rate,
    whole_number_measure,
)
from tune_stability.trials import TrialConfig

RATE = 2e-5


def trial(seed: int = 0, **changes: object) -> TrialConfig:
    return TrialConfig(
        model="m",
        model_revision="",
        task="t",
        task_fingerprint="",
        hyperparameters=Hyperparameters().replace(**changes),
        seed=seed,
        recipe="r",
        config_index=0,
    )


@pytest.mark.parametrize(
    ("decades", "expected"),
    [(-1.5, 0.0), (-0.7, 0.0), (-0.5, PLATEAU / 2), (-0.3, PLATEAU), (0.5, PLATEAU), (0.7, PLATEAU / 2), (0.9, 0.0)],
)
def test_success_probability_by_hand(decades: float, expected: float) -> None:
    # One epoch and no warmup leave only the constants: edges at -0.5 and 0.7 decades, ramps of 0.4.
    hyperparameters = Hyperparameters(learning_rate=RATE * 10**decades, num_epochs=1, warmup_ratio=0.0)
    assert success_probability(hyperparameters) == pytest.approx(expected, abs=1e-9)


def test_edges_lie_inside_the_wide_space_and_the_trapezoid_has_its_plateau() -> None:
    for epochs, warmup, correction in itertools.product((1, 20), (0.0, 0.3), (False, True)):
        lower, upper = basin_edges(Hyperparameters(num_epochs=epochs, warmup_ratio=warmup, bias_correction=correction))
        assert lower - RAMP / 2 > -1.75
        assert upper + RAMP / 2 < 1.75
        assert upper - lower > RAMP


def test_bias_correction_moves_the_basin_up_half_a_decade_and_widens_it() -> None:
    off = basin_edges(Hyperparameters(bias_correction=False))
    on = basin_edges(Hyperparameters(bias_correction=True))
    assert sum(on) / 2 - sum(off) / 2 == pytest.approx(0.55)
    assert (on[1] - on[0]) - (off[1] - off[0]) == pytest.approx(0.5)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=str)
def test_true_rate_in_the_wide_space_by_hand(recipe: Recipe) -> None:
    # Both edges lie inside, so the mean is the mean distance of the edges, which is linear in warmup and log epochs.
    epochs = sum(
        share * math.log10(value) for value, share in whole_number_measure(Axis("num_epochs", 1, 20, "log")).items()
    )
    width = (1.2 if recipe.pinned()["bias_correction"] else 0.7) + 0.5 * epochs + 1.0 * 0.15
    assert true_success_rate(recipe, get_space("wide", RATE)) == pytest.approx(PLATEAU * width / 3.5, abs=1e-12)


SPACES = [
    get_space("wide", RATE),
    get_space("narrow", RATE),
    get_space("lr", RATE),
    # The range cuts the lower ramp, so the closed form has to handle what lies outside.
    SearchSpace("cut", (Axis("learning_rate", 5e-6, 3e-5, "log"), Axis("warmup_ratio", 0.1, 1.0))),
    SearchSpace("fixed rate", (Axis("warmup_ratio", 0.0, 0.5), Axis("num_epochs", 2, 5))),
    SearchSpace("epochs", (Axis("num_epochs", 1, 50, "log"), Axis("weight_decay", 0.0, 0.1))),
]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize("recipe", [DEVLIN, STABLE], ids=lambda recipe: recipe.name)
def test_true_rate_agrees_with_brute_force_quadrature(recipe: Recipe, space: SearchSpace) -> None:
    fixed = recipe.hyperparameters(RATE)
    axes = {axis.name: axis for axis in space.axes}
    middles, coarse = (np.arange(400) + 0.5) / 400, (np.arange(50) + 0.5) / 50
    epochs = [(fixed.num_epochs, 1.0)]
    if "num_epochs" in axes:
        # The measure by brute force too: where `Axis.value` sends a fine grid.
        values = [axes["num_epochs"].value((i + 0.5) / 40_000) for i in range(40_000)]
        epochs = [(int(value), values.count(value) / 40_000) for value in sorted(set(values))]
    rates = [axes["learning_rate"].value(u) if "learning_rate" in axes else fixed.learning_rate for u in middles]
    warmups = [axes["warmup_ratio"].value(u) for u in coarse] if "warmup_ratio" in axes else [fixed.warmup_ratio]
    rates = rates if "learning_rate" in axes else rates[:1]
    total = 0.0
    for value, share in epochs:
        for warmup in warmups:
            changed = fixed.replace(num_epochs=value, warmup_ratio=warmup)
            lower, upper = basin_edges(changed)
            x = np.log10(np.array(rates) / RATE)
            ramps = [np.clip((x - edge) / RAMP + 0.5, 0, 1) for edge in (lower, upper)]
            total += share * PLATEAU * float((ramps[0] - ramps[1]).mean()) / len(warmups)
    assert true_success_rate(recipe, space) == pytest.approx(total, abs=2e-4)


def test_true_rate_of_the_lr_space_agrees_with_adaptive_quadrature() -> None:
    fixed = DEVLIN.hyperparameters(RATE)
    lower, upper = basin_edges(fixed)
    kinks = [lower - RAMP / 2, lower + RAMP / 2, upper - RAMP / 2, upper + RAMP / 2]
    integral, _ = integrate.quad(
        lambda x: success_probability(fixed.replace(learning_rate=RATE * 10**x)), -1.75, 1.75, points=kinks
    )
    assert true_success_rate(DEVLIN, get_space("lr", RATE)) == pytest.approx(integral / 3.5, abs=1e-8)


@pytest.mark.parametrize(
    "axis", [Axis("learning_rate", 1e-6, 1e-4), Axis("warmup_ratio", 0.1, 0.5, "log")], ids=lambda axis: axis.name
)
def test_true_rate_says_which_scale_it_cannot_integrate(axis: Axis) -> None:
    with pytest.raises(UserError, match=axis.name):
        true_success_rate(DEVLIN, SearchSpace("other", (axis,)))


def test_true_rate_over_choices_is_the_mean_of_the_rates_with_each_pinned() -> None:
    wide = get_space("wide", RATE)
    correction = ChoiceAxis("bias_correction", (False, True))
    means = [true_success_rate(Recipe("r", "", DEVLIN, {"bias_correction": b}), wide) for b in (False, True)]
    both = SearchSpace("both", (correction, *wide.axes))
    assert true_success_rate(DEVLIN, both) == pytest.approx(sum(means) / 2, rel=1e-12)

    rate = wide.axes[0]
    choices = SearchSpace("c", (ChoiceAxis("num_epochs", (3, 20)), rate, ChoiceAxis("batch_size", (8, 16, 32))))
    lr = SearchSpace("lr", (rate,))
    epochs = [true_success_rate(Recipe("r", "", STABLE, {"num_epochs": n}), lr) for n in (3, 20)]
    assert true_success_rate(STABLE, choices) == pytest.approx(sum(epochs) / 2, rel=1e-12)
    # Choices of the learning rate need no scale: 2e-5 is on the plateau, a hundred times more is outside.
    points = SearchSpace("points", (ChoiceAxis("learning_rate", (RATE, 100 * RATE)),))
    assert true_success_rate(STABLE, points) == pytest.approx(PLATEAU / 2)


def test_same_trial_same_result() -> None:
    assert run_trial(trial(seed=3)) == run_trial(trial(seed=3))


@pytest.mark.parametrize("field", dataclasses.fields(Hyperparameters), ids=lambda field: field.name)
def test_every_hyperparameter_draws_anew(field: dataclasses.Field[object]) -> None:
    default = field.default
    changed: object = CHOICES[field.name][-1] if field.name in CHOICES else not default
    if not isinstance(default, (bool, str)):
        changed = default + 1 if isinstance(default, int) else default / 2 or 0.5
    one = [run_trial(trial(seed=seed)).score for seed in range(20)]
    other = [run_trial(trial(seed=seed, **{field.name: changed})).score for seed in range(20)]
    assert one != other


def test_frequency_is_the_probability() -> None:
    changes = {"learning_rate": RATE * 10**0.9, "num_epochs": 1, "warmup_ratio": 0.15}
    p = success_probability(Hyperparameters().replace(**changes))
    assert 0.3 < p < 0.6
    wins = [run_trial(trial(seed=seed, **changes)).score > 0.5 for seed in range(4000)]
    assert np.mean(wins) == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 4000))


def test_arms_draw_independently_at_the_same_configuration_and_seed() -> None:
    # 0.25 decades up and one epoch: inside or near the basin of both arms.
    changes = {"learning_rate": RATE * 10**-0.1, "num_epochs": 1, "warmup_ratio": 0.0}
    off = np.array([run_trial(trial(seed=s, bias_correction=False, **changes)).score > 0.5 for s in range(4000)])
    on = np.array([run_trial(trial(seed=s, bias_correction=True, **changes)).score > 0.5 for s in range(4000)])
    assert 0.4 < off.mean() < 0.6
    assert abs(np.corrcoef(off, on)[0, 1]) < 4 / math.sqrt(4000)


@pytest.mark.parametrize(
    ("decades", "mode"),
    [(-1.6, "undertrained"), (1.2, "vanishing_gradients"), (1.72, "diverged"), (0.2, "no_generalization")],
)
def test_failure_modes_differ_along_the_learning_rate(decades: float, mode: str) -> None:
    results = [run_trial(trial(seed=s, learning_rate=RATE * 10**decades, num_epochs=1)) for s in range(200)]
    failed = [r for r in results if not r.score > r.majority_score]
    modes = {failure_mode(r.train_loss, r.chance_loss, r.gradient_start, r.gradient_end) for r in failed}
    assert modes == {mode}


def test_scores_are_scores() -> None:
    results = [
        run_trial(trial(seed=s, learning_rate=RATE * 10**x)) for s in range(30) for x in np.linspace(-1.7, 1.7, 30)
    ]
    assert all(0 <= r.score <= 1 and r.majority_score == 0.5 and r.metric == "accuracy" for r in results)
    assert len({r.score for r in results if r.score > 0.5}) > 100
