from __future__ import annotations

import itertools
import math

import pytest
import torch
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

from tune_stability.hyperparameters import CHOICES
from tune_stability.training.fine_tuning import run_trial
from tune_stability.training.schedule import (
    MAX_EVALUATIONS,
    MAX_RECORDED_STEPS,
    evaluated_steps,
    learning_rate,
    recorded_steps,
)


@pytest.mark.parametrize(
    ("total_steps", "warmup_ratio", "expected"),
    [
        # Without warmup the first step has the peak rate, and the last one more than none.
        (4, 0.0, [1.0, 0.75, 0.5, 0.25]),
        (1, 0.0, [1.0]),
        # One step of ten: the first rate is 0.
        (10, 0.1, [0.0, 1.0, 8 / 9, 7 / 9, 6 / 9, 5 / 9, 4 / 9, 3 / 9, 2 / 9, 1 / 9]),
        # ceil(1.1) = 2 steps of eleven.
        (11, 0.1, [0.0, 0.5, 1.0, 8 / 9, 7 / 9, 6 / 9, 5 / 9, 4 / 9, 3 / 9, 2 / 9, 1 / 9]),
        # Any warmup at all takes a step.
        (4, 1e-9, [0.0, 1.0, 2 / 3, 1 / 3]),
        # Warmup throughout: the peak is never reached.
        (4, 1.0, [0.0, 0.25, 0.5, 0.75]),
        (1, 1.0, [0.0]),
        (5, 0.5, [0.0, 1 / 3, 2 / 3, 1.0, 0.5]),
    ],
)
def test_every_rate_by_hand(total_steps: int, warmup_ratio: float, expected: list[float]) -> None:
    got = [learning_rate(step, total_steps, warmup_ratio, 1.0) for step in range(total_steps)]
    assert got == pytest.approx(expected, abs=1e-15)
    scaled = [learning_rate(step, total_steps, warmup_ratio, 3e-4) for step in range(total_steps)]
    assert scaled == pytest.approx([3e-4 * rate for rate in expected], abs=1e-18)


@pytest.mark.parametrize(
    ("shape", "warmup_ratio", "expected"),
    [
        ("constant", 0.0, [1.0, 1.0, 1.0, 1.0]),
        ("constant", 0.5, [0.0, 0.5, 1.0, 1.0]),
        ("constant", 1.0, [0.0, 0.25, 0.5, 0.75]),
        # (1 + cos(pi k / 4)) / 2.
        ("cosine", 0.0, [1.0, 0.5 + math.sqrt(0.125), 0.5, 0.5 - math.sqrt(0.125)]),
        # (1 + cos(pi k / 3)) / 2 after one step of warmup.
        ("cosine", 0.25, [0.0, 1.0, 0.75, 0.25]),
        ("cosine", 1.0, [0.0, 0.25, 0.5, 0.75]),
    ],
)
def test_other_shapes_by_hand(shape: str, warmup_ratio: float, expected: list[float]) -> None:
    got = [learning_rate(step, 4, warmup_ratio, 2.0, shape) for step in range(4)]
    assert got == pytest.approx([2 * rate for rate in expected], abs=1e-15)


def test_linear_is_the_shape_when_none_is_given() -> None:
    assert [learning_rate(s, 9, 0.2, 1.0) for s in range(9)] == [
        learning_rate(s, 9, 0.2, 1.0, "linear") for s in range(9)
    ]


OF_TRANSFORMERS = {
    "linear": get_linear_schedule_with_warmup,
    "cosine": get_cosine_schedule_with_warmup,
    "constant": lambda optimizer, warmup, total: get_constant_schedule_with_warmup(optimizer, warmup),
}


def test_every_shape_that_a_hyperparameter_may_have_is_checked() -> None:
    assert set(OF_TRANSFORMERS) == set(CHOICES["lr_scheduler_type"])


@pytest.mark.parametrize("shape", OF_TRANSFORMERS)
@pytest.mark.parametrize("total_steps", [1, 7, 64, 192, 1280])
@pytest.mark.parametrize("warmup_ratio", [0.0, 0.05, 0.1, 0.3, 1.0])
def test_rates_are_those_of_transformers(total_steps: int, warmup_ratio: float, shape: str) -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=3e-4)
    warmup_steps = math.ceil(warmup_ratio * total_steps)
    schedule = OF_TRANSFORMERS[shape](optimizer, warmup_steps, total_steps)
    for step in range(total_steps):
        expected = optimizer.param_groups[0]["lr"]
        got = learning_rate(step, total_steps, warmup_ratio, 3e-4, shape)
        assert got == pytest.approx(expected, rel=1e-14, abs=1e-30)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("shape", OF_TRANSFORMERS)
def test_a_trial_follows_its_shape(small_trial, shape: str) -> None:
    result = run_trial(small_trial(lr_scheduler_type=shape, num_epochs=1, warmup_ratio=0.25))
    rates = [point.learning_rate for point in result.curve]
    assert rates == [learning_rate(step, 4, 0.25, 3e-4, shape) for step in range(4)]


TOTALS = [1, 2, 3, 5, 19, 20, 21, 39, 40, 41, 64, 192, 1280, 12_345, 1_000_000]


@pytest.mark.parametrize("total_steps", TOTALS)
def test_recorded_steps_are_few_and_hold_the_first_and_the_last(total_steps: int) -> None:
    steps = recorded_steps(total_steps)
    assert steps == sorted(set(steps))
    assert steps[0] == 0
    assert steps[-1] == total_steps - 1
    assert len(steps) <= MAX_RECORDED_STEPS
    assert all(type(step) is int for step in steps)


def test_the_bound_on_recorded_steps_holds_everywhere() -> None:
    assert max(len(recorded_steps(total)) for total in range(1, 2000)) <= MAX_RECORDED_STEPS


def test_recorded_steps_are_dense_at_the_start_and_even_after_it() -> None:
    assert recorded_steps(8) == [0, 1, 2, 3, 4, 5, 6, 7]
    steps = recorded_steps(1280)
    # Powers of 1280^(1/19) = 1.457, less 1.
    assert [step for step in steps if step < 10] == [0, 1, 2, 4, 6, 9]
    gaps = [b - a for a, b in itertools.pairwise(steps)]
    # Twenty even steps leave no gap above 1279 / 19 = 67.3.
    assert max(gaps) <= 68


@pytest.mark.parametrize(
    ("num_epochs", "expected"),
    [
        (1, [1]),
        (2, [1, 2]),
        (3, [1, 2, 3]),
        (5, [1, 2, 3, 4, 5]),
        # Multiples of 1.2, and of 1.4, to the nearest whole.
        (6, [1, 2, 4, 5, 6]),
        (7, [1, 3, 4, 6, 7]),
        (20, [4, 8, 12, 16, 20]),
        (100, [20, 40, 60, 80, 100]),
    ],
)
def test_evaluated_steps_are_the_ends_of_these_epochs(num_epochs: int, expected: list[int]) -> None:
    assert evaluated_steps(64 * num_epochs, 64) == [64 * epoch - 1 for epoch in expected]


@pytest.mark.parametrize(
    ("total_steps", "expected"),
    [(1, [0]), (3, [0, 1, 2]), (100, [19, 39, 59, 79, 99]), (63, [12, 24, 37, 49, 62])],
)
def test_a_run_that_is_no_whole_number_of_epochs_is_evaluated_at_even_steps(
    total_steps: int, expected: list[int]
) -> None:
    assert evaluated_steps(total_steps, 64) == expected


def test_evaluations_are_few_and_hold_the_last_epoch() -> None:
    for num_epochs in range(1, 400):
        steps = evaluated_steps(7 * num_epochs, 7)
        assert len(steps) == min(num_epochs, MAX_EVALUATIONS)
        assert all((step + 1) % 7 == 0 for step in steps)
        assert steps[-1] == 7 * num_epochs - 1
