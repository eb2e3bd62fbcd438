from __future__ import annotations

import datetime
import math

import numpy as np
import optuna
import pytest
from scipy import stats

from tune_stability.axes import AnyAxis, Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES, HYPERPARAMETER_TYPES, Hyperparameters, Value
from tune_stability.sampling.optuna_samplers import distributions
from tune_stability.spaces import SearchSpace

RATE = Axis("learning_rate", 1e-5, 1e-3, "log")
WARMUP = Axis("warmup_ratio", 0.0, 0.3)
EPOCHS = Axis("num_epochs", 1, 20, "log")
BATCH = Axis("batch_size", 8, 11)


@pytest.mark.parametrize(
    ("axis", "u", "expected"),
    [
        (RATE, 0.0, 1e-5),
        (RATE, 0.25, 10**-4.5),
        (RATE, 0.5, 1e-4),
        (RATE, 1.0, 1e-3),
        (WARMUP, 0.0, 0.0),
        (WARMUP, 0.5, 0.15),
        (WARMUP, 1.0, 0.3),
        # Four whole numbers, linear: a quarter of [0, 1] each.
        (BATCH, 0.0, 8),
        (BATCH, 0.249, 8),
        (BATCH, 0.251, 9),
        (BATCH, 0.749, 10),
        (BATCH, 0.751, 11),
        (BATCH, 1.0, 11),
        # From .5 to 20.5 in the log: 1 reaches up to ln(1.5/.5) / ln(20.5/.5) = ln 3 / ln 41 = .29583.
        (EPOCHS, 0.0, 1),
        (EPOCHS, 0.2958, 1),
        (EPOCHS, 0.2959, 2),
        # 20 starts at ln(19.5/.5) / ln 41 = ln 39 / ln 41 = .98653.
        (EPOCHS, 0.9865, 19),
        (EPOCHS, 0.9866, 20),
        (EPOCHS, 1.0, 20),
        # What rounding puts just outside the cube stays inside the range.
        (RATE, -1e-9, 1e-5),
        (RATE, 1 + 1e-9, 1e-3),
        (EPOCHS, 1 + 1e-9, 20),
    ],
)
def test_value_by_hand(axis: Axis, u: float, expected: float) -> None:
    value = axis.value(u)
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert type(value) is (int if axis.is_integer else float)
    assert axis.low <= value <= axis.high


@pytest.mark.parametrize(
    ("axis", "x", "expected"),
    [
        (RATE, 1e-4, 0.5),
        (RATE, 1e-5, 0.0),
        (RATE, 1e-3, 1.0),
        (WARMUP, 0.075, 0.25),
        (BATCH, 8, 0.125),
        (BATCH, 11, 0.875),
        (EPOCHS, 1, math.log(2) / math.log(41)),
        # Outside the range, outside the cube.
        (RATE, 1e-2, 1.5),
        (WARMUP, 0.6, 2.0),
    ],
)
def test_position_by_hand(axis: Axis, x: float, expected: float) -> None:
    assert axis.position(x) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("axis", [RATE, WARMUP, Axis("dropout", 0.05, 0.5, "log")])
def test_position_inverts_value_on_real_axes(axis: Axis) -> None:
    for u in np.linspace(0, 1, 101):
        assert axis.position(axis.value(float(u))) == pytest.approx(u, abs=1e-12)


@pytest.mark.parametrize("axis", [EPOCHS, BATCH, Axis("num_epochs", 3, 4), Axis("max_seq_length", 3, 64, "log")])
def test_value_inverts_position_on_whole_numbers(axis: Axis) -> None:
    whole = range(int(axis.low), int(axis.high) + 1)
    assert [axis.value(axis.position(x)) for x in whole] == list(whole)


def whole_number_shares(axis: Axis, points: int = 40_000) -> dict[int, float]:
    values, counts = np.unique([axis.value((i + 0.5) / points) for i in range(points)], return_counts=True)
    return dict(zip(values.tolist(), (counts / points).tolist(), strict=True))


@pytest.mark.parametrize(("low", "high"), [(1, 20), (3, 20), (1, 2)])
@pytest.mark.parametrize("log", [True, False])
def test_whole_numbers_have_the_measure_of_optuna(low: int, high: int, log: bool) -> None:
    axis = Axis("num_epochs", low, high, "log" if log else "linear")
    shares = whole_number_shares(axis)
    for k in range(low, high + 1):
        # From half below to half above, in the scale.
        by_hand = (
            math.log((k + 0.5) / (k - 0.5)) / math.log((high + 0.5) / (low - 0.5)) if log else 1 / (high - low + 1)
        )
        assert shares[k] == pytest.approx(by_hand, abs=1e-4)
    n = 10_000
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    study.ask()
    asked = study.trials[0]
    distribution = optuna.distributions.IntDistribution(low, high, log=log)
    drawn = [sampler.sample_independent(study, asked, "num_epochs", distribution) for _ in range(n)]
    counts = np.bincount(drawn, minlength=high + 1)[low:]
    assert stats.chisquare(counts, [n * shares[k] for k in range(low, high + 1)], sum_check=False).pvalue > 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lr", 1, 2), "unknown hyperparameter 'lr'. Allowed: "),
        (("learning_rat", 1, 2), "did you mean 'learning_rate'?"),
        (("bias_correction", 0, 1), "bias_correction is a switch and has no range; give its choices, [true, false]."),
        (("lr_scheduler_type", 0, 1), "lr_scheduler_type is a name and has no range; give its choices, a list of "),
        (("dropout", 0.1, 0.5, "lin"), "unknown scale 'lin'; did you mean 'linear'?"),
        (("dropout", 0.1, 0.5, "ln"), "unknown scale 'ln'"),
        (("dropout", 0.1, 0.5, None), "unknown scale 'None'"),
        (("dropout", 0.1, 0.5, ["log"]), "unknown scale \"['log']\""),
        (("dropout", 0.5, 0.1), "the range of dropout must rise, received low=0.5, high=0.1."),
        (("dropout", 0.1, 0.1), "the range of dropout must rise, received low=0.1, high=0.1."),
        (("dropout", math.nan, 0.1), "the range of dropout must rise, received low=nan, high=0.1."),
        (("dropout", 0.1, math.nan), "the range of dropout must rise, received low=0.1, high=nan."),
        (("learning_rate", 1e-5, math.inf), "the range of learning_rate must rise, received low=1e-05, high=inf."),
        (("learning_rate", -math.inf, 1.0), "must rise, received low=-inf, high=1."),
        (("weight_decay", 0.0, 0.1, "log"), "weight_decay has a log scale, so low must be above 0, received 0."),
        (("warmup_ratio", -0.1, 0.1, "log"), "warmup_ratio has a log scale, so low must be above 0, received -0.1."),
        (("num_epochs", 1.5, 3), "num_epochs takes whole numbers, received 1.5."),
        (("num_epochs", 1, 3.5), "num_epochs takes whole numbers, received 3.5."),
        (("num_epochs", 0, 3), "num_epochs must lie in [1, inf), received 0."),
        (("warmup_ratio", 0.0, 1.5), "warmup_ratio must lie in [0, 1], received 1.5."),
        (("dropout", 0.0, 1.0), "dropout must lie in [0, 1), received 1.0."),
        (("learning_rate", 0.0, 1.0), "learning_rate must lie in (0, inf), received 0.0."),
    ],
)
def test_bad_axes_are_refused_in_one_line(arguments: tuple, message: str) -> None:
    with pytest.raises(UserError) as caught:
        Axis(*arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("axis", "x", "expected"),
    [
        (RATE, 1e-4, (0.5, 0.5)),
        (WARMUP, 0.075, (0.25, 0.25)),
        (BATCH, 9, (0.25, 0.5)),
        (EPOCHS, 1, (0.0, math.log(3) / math.log(41))),
        (EPOCHS, 20, (math.log(39) / math.log(41), 1.0)),
        (ChoiceAxis("bias_correction", (True, False)), True, (0.0, 0.5)),
        (ChoiceAxis("batch_size", (8, 16, 64)), 16, (1 / 3, 2 / 3)),
        (ChoiceAxis("lr_scheduler_type", ("linear", "cosine")), "cosine", (0.5, 1.0)),
    ],
)
def test_stretches_by_hand(axis: AnyAxis, x: Value, expected: tuple[float, float]) -> None:
    assert axis.stretch(x) == pytest.approx(expected, abs=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("axis", [EPOCHS, BATCH, Axis("num_epochs", 3, 4), ChoiceAxis("batch_size", (8, 16, 32))])
def test_stretches_cover_everything_once(axis: AnyAxis) -> None:
    stretches = [axis.stretch(value) for value in axis.values]  # type: ignore[arg-type]
    assert stretches[0][0] == pytest.approx(0, abs=1e-12)
    assert stretches[-1][1] == pytest.approx(1)
    assert [end for _, end in stretches[:-1]] == [start for start, _ in stretches[1:]]
    for value, (start, end) in zip(axis.values, stretches, strict=True):
        assert {axis.value(u) for u in (start + 1e-9, (start + end) / 2, end - 1e-9)} == {value}


# Every hyperparameter that is a number, with a range that a study may span.
RANGES = {
    "learning_rate": (1e-6, 1e-3, "log"),
    "num_epochs": (1, 20, "log"),
    "warmup_ratio": (0.0, 0.3, "linear"),
    "batch_size": (8, 64, "log"),
    "weight_decay": (0.0, 0.1, "linear"),
    "adam_beta1": (0.8, 0.95, "linear"),
    "adam_beta2": (0.9, 0.9999, "linear"),
    "adam_epsilon": (1e-8, 1e-4, "log"),
    "max_grad_norm": (0.1, 10.0, "log"),
    "dropout": (0.0, 0.3, "linear"),
    "max_seq_length": (16, 128, "log"),
    "max_steps": (50, 500, "log"),
    "train_size": (100, 1000, "log"),
    "train_seed": (0, 9, "linear"),
    "mixout": (0.0, 0.9, "linear"),
    "reinit_layers": (0, 3, "linear"),
    "layerwise_lr_decay": (0.8, 1.0, "linear"),
}
# And every one that is a name or a switch.
CHOICES: dict[str, tuple[Value, ...]] = {
    "bias_correction": (True, False),
    "token_type_ids": (False, True),
    "group_by_length": (True, False),
    "lr_scheduler_type": ("linear", "cosine", "constant"),
    "precision": ("fp32", "bf16"),
}


def test_every_hyperparameter_can_be_an_axis() -> None:
    assert {*RANGES, *CHOICES} == set(HYPERPARAMETER_NAMES)
    axes = [*(Axis(name, *ends) for name, ends in RANGES.items()), *(ChoiceAxis(*of) for of in CHOICES.items())]  # type: ignore[arg-type]
    space = SearchSpace("all", tuple(axes))
    for u in (0.0, 0.3, 0.999, 1.0):
        configuration = space.configuration([u] * len(axes))
        assert {name: type(value) for name, value in configuration.items()} == HYPERPARAMETER_TYPES
        own = Hyperparameters().replace(**configuration)
        assert all(getattr(own, name) == value for name, value in configuration.items())
        for axis, distribution in zip(space.axes, distributions(space).values(), strict=True):
            # Where this place is, Optuna's samplers can be too.
            assert distribution._contains(distribution.to_internal_repr(configuration[axis.name]))


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        *CHOICES.items(),
        ("batch_size", (8, 16, 32)),
        ("num_epochs", (3, 20)),
        ("dropout", (0, 0.1)),
        ("adam_beta2", (0.98, 0.999)),
        ("max_grad_norm", (0.0, 1.0)),
    ],
)
def test_each_choice_has_an_equal_share_and_stands_in_its_middle(name: str, choices: tuple[Value, ...]) -> None:
    axis, k = ChoiceAxis(name, choices), len(choices)
    for place, choice in enumerate(choices):
        assert axis.position(choice) == pytest.approx((place + 0.5) / k)
        assert axis.value(axis.position(choice)) == choice
        assert axis.value(place / k + 1e-9) == axis.value((place + 1) / k - 1e-9) == choice
        assert type(axis.value(axis.position(choice))) is HYPERPARAMETER_TYPES[name]
    # What rounding puts just outside the cube, and its far end.
    assert (axis.value(-1e-9), axis.value(1.0), axis.value(1 + 1e-9)) == (choices[0], choices[-1], choices[-1])


def test_choices_have_the_measure_of_optuna() -> None:
    axis = ChoiceAxis("batch_size", (8, 16, 32))
    (distribution,) = distributions(SearchSpace("s", (axis,))).values()
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    study.ask()
    drawn = [sampler.sample_independent(study, study.trials[0], axis.name, distribution) for _ in range(3000)]
    assert {type(value) for value in drawn} == {int}
    assert stats.chisquare([drawn.count(choice) for choice in axis.choices]).pvalue > 1e-3


def test_choices_that_are_numbers_have_ends() -> None:
    axis = ChoiceAxis("num_epochs", (3, 5, 20))
    assert (axis.low, axis.high, axis.values) == (3.0, 20.0, (3, 5, 20))


def test_a_whole_number_is_the_same_choice_as_its_float() -> None:
    assert ChoiceAxis("dropout", (0, 0.1)) == ChoiceAxis("dropout", (0.0, 0.1))


@pytest.mark.parametrize(
    ("name", "choices", "message"),
    [
        ("lr_schedular_type", ("linear",), "unknown hyperparameter 'lr_schedular_type'; did you mean 'lr_scheduler_ty"),
        ("lr_scheduler_type", (), "lr_scheduler_type needs at least two choices, each given once, received none."),
        ("lr_scheduler_type", ("linear",), "needs at least two choices, each given once, received linear."),
        ("lr_scheduler_type", ("linear", "linear"), "needs at least two choices, each given once, received linear, l"),
        (
            "lr_scheduler_type",
            ("linear", "step"),
            "lr_scheduler_type must be one of linear, constant, cosine, re",
        ),
        ("lr_scheduler_type", ("linear", "co\nsine"), "lr_scheduler_type must be one of linear, constant, cosine, rec"),
        ("bias_correction", (0, 1), "bias_correction must be of type bool, received 0."),
        ("bias_correction", ("true", "false"), "bias_correction must be of type bool, received 'true'."),
        ("batch_size", (8, 16.0), "batch_size must be of type int, received 16.0."),
        ("batch_size", (True, 8), "batch_size must be of type int, received True."),
        ("batch_size", (0, 8), "batch_size must lie in [1, inf), received 0."),
        ("batch_size", (8, [16]), "batch_size must be of type int, received [16]."),
        ("batch_size", (8, {"a": 1}), "batch_size must be of type int, received {'a': 1}."),
        ("batch_size", (8, None), "batch_size must be of type int, received None."),
        ("batch_size", (8, datetime.date(2020, 1, 1)), "batch_size must be of type int, received datetime.date"),
        ("batch_size", (16, 8), "the choices of batch_size are numbers and must rise, received 16, 8."),
        ("dropout", (0.0, 1.0), "dropout must lie in [0, 1), received 1.0."),
        ("dropout", (0.1, math.nan), "dropout must lie in [0, 1), received nan."),
        ("dropout", (0, 0.0), "dropout needs at least two choices, each given once, received 0.0, 0.0."),
        ("learning_rate", (1e-5, math.inf), "learning_rate must lie in (0, inf), received inf."),
    ],
)
def test_bad_choices_are_refused_in_one_line(name: str, choices: tuple, message: str) -> None:
    with pytest.raises(UserError) as caught:
        ChoiceAxis(name, choices)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", ["position", "stretch"])
def test_a_value_that_is_no_choice_has_no_place(method: str) -> None:
    with pytest.raises(UserError, match=r"^batch_size is 24 in a trial, its choices in this space are 8, 16; take the"):
        getattr(ChoiceAxis("batch_size", (8, 16)), method)(24)
