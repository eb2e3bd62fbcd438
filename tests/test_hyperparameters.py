from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from tune_stability.errors import UserError
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES, HYPERPARAMETER_TYPES, Hyperparameters

ALLOWED = {
    "learning_rate": [1e-12, 2e-5, 10.0, 1, np.float64(3e-4)],
    "num_epochs": [1, 20, 10_000],
    "warmup_ratio": [0, 0.0, 0.1, 1, 1.0],
    "bias_correction": [True, False],
    "batch_size": [1, 16],
    "weight_decay": [0, 0.0, 0.01, 5.0],
    "adam_beta1": [0, 0.0, 0.9, 0.999_999],
    "adam_beta2": [0.0, 0.98, 0.999_999],
    "adam_epsilon": [1e-30, 1.0],
    "max_grad_norm": [0, 0.0, 1.0, 1e9],
    "dropout": [0, 0.0, 0.5, 0.999],
    "max_seq_length": [3, 128],
    "token_type_ids": [True, False],
    "max_steps": [0, 1, 10_000],
    "train_size": [0, 1000],
    "train_seed": [0, 7],
    "group_by_length": [True, False],
    "lr_scheduler_type": ["linear", "constant", "cosine"],
    "precision": ["fp32", "bf16"],
    "mixout": [0, 0.1, 1, 1.0],
    "reinit_layers": [0, 5],
    "layerwise_lr_decay": [1, 0.95],
}

REFUSED = {
    "learning_rate": [0.0, -2e-5, math.inf, math.nan, "2e-5", True, None, np.float32(1e-3), [1e-3]],
    "num_epochs": [0, -1, 3.0, True, "3", None, np.int64(3)],
    "warmup_ratio": [-1e-9, 1.000_001, math.nan, math.inf, "0.1", False],
    "bias_correction": [0, 1, "no", None, np.bool_(True)],
    "batch_size": [0, -16, 16.0, math.nan, True],
    "weight_decay": [-0.01, math.inf, math.nan, True],
    "adam_beta1": [-0.1, 1, 1.0, math.nan],
    "adam_beta2": [-0.1, 1.0, math.nan, False],
    "adam_epsilon": [0, 0.0, -1e-8, math.inf, math.nan],
    "max_grad_norm": [-1.0, math.inf, math.nan, None],
    "dropout": [-0.1, 1, 1.0, math.nan],
    "max_seq_length": [2, 0, 128.0],
    "token_type_ids": [0, "yes", None],
    "max_steps": [-1, 1.0, True],
    "train_size": [-1, 0.5, None],
    "train_seed": [-1, "0"],
    "group_by_length": [1, "yes"],
    "lr_scheduler_type": ["polynomial", "Linear", "", 1, None],
    "precision": ["fp16", True, 32],
    "mixout": [-0.1, 1.1, math.nan, True],
    "reinit_layers": [-1, 1.5],
    "layerwise_lr_decay": [0, 0.0, 1.01, math.nan],
}


def pairs(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in table.items() for value in values]


def test_the_tables_cover_every_hyperparameter() -> None:
    assert set(ALLOWED) == set(REFUSED) == set(HYPERPARAMETER_NAMES) == set(HYPERPARAMETER_TYPES)


def test_the_defaults_are_the_papers_settings_for_bert() -> None:
    assert dataclasses.asdict(Hyperparameters()) == {
        "learning_rate": 2e-5,
        "num_epochs": 3,
        "warmup_ratio": 0.1,
        "bias_correction": True,
        "batch_size": 16,
        "weight_decay": 0.01,
        "adam_beta1": 0.9,
        "adam_beta2": 0.999,
        "adam_epsilon": 1e-6,
        "max_grad_norm": 1.0,
        "dropout": 0.1,
        "max_seq_length": 128,
        "token_type_ids": True,
        "max_steps": 0,
        "train_size": 0,
        "train_seed": 0,
        "group_by_length": False,
        "lr_scheduler_type": "linear",
        "precision": "fp32",
        "mixout": 0.0,
        "reinit_layers": 0,
        "layerwise_lr_decay": 1.0,
    }


@pytest.mark.parametrize(("name", "value"), pairs(ALLOWED))
def test_allowed_values_are_kept(name: str, value: object) -> None:
    assert getattr(Hyperparameters(**{name: value}), name) == value
    assert getattr(Hyperparameters().replace(**{name: value}), name) == value


@pytest.mark.parametrize(("name", "value"), pairs(REFUSED))
def test_refused_values_are_named_in_one_line(name: str, value: object) -> None:
    with pytest.raises(UserError) as caught:
        Hyperparameters(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"{name} must ")
    assert message.endswith(f"received {value!r}.")
    assert "\n" not in message
    with pytest.raises(UserError, match=f"^{name} must "):
        Hyperparameters().replace(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("learning_rate", 0.0, "learning_rate must lie in (0, inf), received 0.0."),
        ("warmup_ratio", 2.0, "warmup_ratio must lie in [0, 1], received 2.0."),
        ("dropout", 1.0, "dropout must lie in [0, 1), received 1.0."),
        ("max_seq_length", 2, "max_seq_length must lie in [3, inf), received 2."),
        ("num_epochs", 3.0, "num_epochs must be of type int, received 3.0."),
        ("bias_correction", 1, "bias_correction must be of type bool, received 1."),
        ("learning_rate", "a\nb", "learning_rate must be of type float, received 'a\\nb'."),
    ],
)
def test_messages_say_what_is_allowed(name: str, value: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        Hyperparameters(**{name: value})
    assert str(caught.value) == message


def test_replace_changes_only_what_is_named_and_leaves_the_original() -> None:
    before = Hyperparameters()
    after = before.replace(num_epochs=20, learning_rate=1e-3)
    assert after.differences() == {"learning_rate": 1e-3, "num_epochs": 20}
    assert before == Hyperparameters()


def test_replace_names_the_nearest_hyperparameter() -> None:
    with pytest.raises(
        UserError, match=r"^unknown hyperparameter 'epochs'; did you mean 'num_epochs'\? Allowed: adam_"
    ):
        Hyperparameters().replace(epochs=3)


def test_differences_are_sorted_and_leave_out_what_is_at_its_default() -> None:
    assert Hyperparameters().differences() == {}
    assert Hyperparameters(learning_rate=2e-5, num_epochs=3, bias_correction=True).differences() == {}
    changed = Hyperparameters(weight_decay=0.1, bias_correction=False, max_grad_norm=0.0, adam_beta2=0.98)
    assert list(changed.differences().items()) == [
        ("adam_beta2", 0.98),
        ("bias_correction", False),
        ("max_grad_norm", 0.0),
        ("weight_decay", 0.1),
    ]


@pytest.mark.parametrize(
    ("given", "effort"), [({}, 3), ({"num_epochs": 20}, 20), ({"num_epochs": 20, "max_steps": 400}, 400)]
)
def test_effort_is_the_epochs_or_the_steps_in_their_place(given: dict[str, int], effort: int) -> None:
    assert Hyperparameters(**given).effort == effort


def test_they_are_frozen_hashable_and_named() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Hyperparameters().dropout = 0.5  # type: ignore[misc]
    assert len({Hyperparameters(), Hyperparameters(dropout=0.1), Hyperparameters(dropout=0.2)}) == 2
    with pytest.raises(TypeError):
        Hyperparameters(2e-5)  # type: ignore[misc]
