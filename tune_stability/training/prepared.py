"""What all trials of one model, task and tokenization share: loaded once a process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from tune_stability.data_source import DataSource
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.models.loading import PretrainedModel, load_model
from tune_stability.models.positions import max_tokens
from tune_stability.tasks import load_task
from tune_stability.tasks.task import class_shares, entropy
from tune_stability.training.data import EncodedSplit, encode
from tune_stability.trials import TrialConfig

DATA_HYPERPARAMETERS = ("max_seq_length", "token_type_ids", "train_size", "train_seed")
"""The hyperparameters on which the encoded splits depend."""


@dataclass(frozen=True)
class Prepared:
    """A pre-trained model, the task's splits on the device, and what a run that learns nothing shows."""

    pretrained: PretrainedModel
    train: EncodedSplit
    validation: EncodedSplit
    metric: str
    majority_score: float
    chance_loss: float
    num_labels: int


@dataclass(frozen=True)
class SharedKey:
    """What determines a `Prepared`, but for the device. Only `DATA_HYPERPARAMETERS` of `h` are not the defaults."""

    model: str
    model_revision: str
    task: str
    task_fingerprint: str
    data: DataSource
    h: Hyperparameters


_adopted: dict[SharedKey, Prepared] = {}


def shared_key(config: TrialConfig) -> SharedKey:
    """Under which the trial finds what it shares."""
    h = config.hyperparameters
    about_data = Hyperparameters(**{name: getattr(h, name) for name in DATA_HYPERPARAMETERS})
    return SharedKey(config.model, config.model_revision, config.task, config.task_fingerprint, config.data, about_data)


def adopt_prepared(key: SharedKey, prepared: Prepared) -> None:
    """Use what was prepared on the CPU of another process for all trials of that key."""
    _adopted[key] = prepared


def prepare(config: TrialConfig, device: str) -> Prepared:
    """What the trial shares with others, from the cache if one of them has been here."""
    return _prepare(shared_key(config), device)


@lru_cache(maxsize=4)
def _prepare(key: SharedKey, device: str) -> Prepared:
    if key in _adopted:
        there = _adopted[key]
        return replace(there, train=there.train.to(device), validation=there.validation.to(device))
    h = key.h
    task = load_task(key.task, key.data, key.task_fingerprint)
    pretrained = load_model(key.model, task.num_labels, key.model_revision or None)
    limit = max_tokens(pretrained.model, pretrained.tokenizer)
    train = encode(task, "train", pretrained.tokenizer, h, limit)
    return Prepared(
        pretrained=pretrained,
        train=train.to(device),
        validation=encode(task, "validation", pretrained.tokenizer, h, limit).to(device),
        metric=task.metric,
        majority_score=task.majority_score(),
        chance_loss=entropy(class_shares(train.labels.numpy(), task.num_labels)),
        num_labels=task.num_labels,
    )
