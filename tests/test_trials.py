from __future__ import annotations

import dataclasses
import string

import pytest

from tune_stability import trials
from tune_stability.data_source import DataSource
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES, Hyperparameters
from tune_stability.trials import SEED_PARTS, CurvePoint, TrialConfig, TrialResult

BASE = TrialConfig(
    model="micro-bert",
    model_revision="b6307664f931",
    task="grammar",
    task_fingerprint="90c3c6a8edac",
    hyperparameters=Hyperparameters(),
    seed=0,
    recipe="stable",
    config_index=0,
)


@pytest.mark.parametrize(
    ("config", "trial_id"),
    [
        (BASE, "85388f018a1cecb6776e"),
        (
            dataclasses.replace(
                BASE,
                hyperparameters=Hyperparameters(
                    learning_rate=3e-4, num_epochs=20, bias_correction=False, dropout=0.0, max_grad_norm=0.0
                ),
                seed=41,
                trainable="package.module:function",
            ),
            "6f3fa498051bf91278c7",
        ),
    ],
)
def test_ids_are_what_they_have_always_been(config: TrialConfig, trial_id: str) -> None:
    # Stores hold these ids: a change here makes every stored trial a stranger to its own study.
    assert config.trial_id == trial_id


def test_an_id_is_twenty_hexadecimal_digits() -> None:
    assert len(BASE.trial_id) == 20
    assert set(BASE.trial_id) <= set(string.hexdigits.lower())


@pytest.mark.parametrize(
    "change",
    [
        {"model": "micro_bert"},
        {"model_revision": "b6307664f932"},
        {"model_revision": ""},
        {"task": "Grammar"},
        {"task_fingerprint": "90c3c6a8edad"},
        {"seed": 1},
        {"seed": -1},
        {"init_seed": 0},
        {"data_seed": 0},
        {"dropout_seed": 0},
        {"dropout_seed": 1},
        {"trainable": "tune_stability.training.analytic:run_trial"},
        # What moves from one field to its neighbour is another trial.
        {"model": "micro-bertb6307664f931", "model_revision": ""},
        {"task": "b6307664f931", "model_revision": "grammar"},
    ],
)
def test_an_id_changes_with_each_determining_field(change: dict) -> None:
    assert dataclasses.replace(BASE, **change).trial_id != BASE.trial_id


OTHER_VALUES = {
    "learning_rate": [2.000000000000001e-5, 3e-4],
    "num_epochs": [4, 20],
    "warmup_ratio": [0.0, 0.1000000000000001],
    "bias_correction": [False],
    "batch_size": [32],
    "weight_decay": [0.0],
    "adam_beta1": [0.0],
    "adam_beta2": [0.98],
    "adam_epsilon": [1e-8],
    "max_grad_norm": [0.0],
    "dropout": [0.0],
    "max_seq_length": [64],
    "token_type_ids": [False],
    "max_steps": [1],
    "train_size": [1000],
    "train_seed": [1],
    "group_by_length": [True],
    "lr_scheduler_type": ["constant", "cosine"],
    "precision": ["bf16"],
    "mixout": [0.1],
    "reinit_layers": [1],
    "layerwise_lr_decay": [0.95],
}


def test_an_id_changes_with_each_hyperparameter() -> None:
    assert set(OTHER_VALUES) == set(HYPERPARAMETER_NAMES)
    changed = [Hyperparameters(**{name: value}) for name, values in OTHER_VALUES.items() for value in values]
    ids = [dataclasses.replace(BASE, hyperparameters=h).trial_id for h in [Hyperparameters(), *changed]]
    assert len(set(ids)) == len(changed) + 1


@pytest.mark.parametrize(
    "labels",
    [
        {"recipe": "devlin"},
        {"config_index": 7},
        {"source": "adaptive"},
        {"replicate": 3},
        {"data": DataSource(data_dir="x")},
        {"checkpoint_every": 5},
    ],
)
def test_labels_leave_an_id_as_it_is(labels: dict) -> None:
    assert dataclasses.replace(BASE, **labels).trial_id == BASE.trial_id


def test_fields_are_either_labels_or_determining() -> None:
    # A new field is one or the other, and the tests above must know it.
    determining = {"model", "model_revision", "task", "task_fingerprint", "hyperparameters", "seed", "trainable"}
    determining |= set(SEED_PARTS)
    labels = {"recipe", "config_index", "source", "replicate", "data", "checkpoint_every", "checkpoint_file"}
    assert {f.name for f in dataclasses.fields(TrialConfig)} == determining | labels


@pytest.mark.parametrize("name", HYPERPARAMETER_NAMES)
def test_a_hyperparameter_spelled_out_at_its_default_leaves_an_id_as_it_is(name: str) -> None:
    spelled_out = Hyperparameters(**{name: getattr(Hyperparameters(), name)})
    assert dataclasses.replace(BASE, hyperparameters=spelled_out).trial_id == BASE.trial_id


def test_equal_hyperparameters_have_one_id() -> None:
    whole, real = Hyperparameters(weight_decay=0), Hyperparameters(weight_decay=0.0)
    assert whole == real
    ids = {dataclasses.replace(BASE, hyperparameters=h).trial_id for h in (whole, real)}
    assert len(ids) == 1


def test_the_contract_version_is_part_of_every_id(monkeypatch: pytest.MonkeyPatch) -> None:
    before = BASE.trial_id
    monkeypatch.setattr(trials, "CONTRACT_VERSION", trials.CONTRACT_VERSION + 1)
    assert BASE.trial_id != before


def test_the_default_trainable_is_the_built_in_one() -> None:
    assert BASE.trainable == "tune_stability.training.fine_tuning:run_trial"


def test_a_result_shows_its_numbers_and_not_its_records() -> None:
    result = TrialResult(
        metric="accuracy",
        score=0.75,
        majority_score=0.5,
        best_score=0.8,
        best_step=3,
        train_loss=0.25,
        chance_loss=0.69,
        predicted_share=(0.5, 0.5),
        steps=4,
        seconds=1.0,
        device="cpu",
        curve=(CurvePoint(0, 0.7, 0.0), CurvePoint(3, 0.2, 1e-5, 0.75)),
    )
    assert "score=0.75" in repr(result)
    assert "CurvePoint" not in repr(result)
    assert result.curve[0].score is None
    assert result.gradients == ()
    assert result.gradient_start != result.gradient_start  # NaN: not recorded
