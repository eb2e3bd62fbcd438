"""What all trials of one model, task and tokenization share: loaded once a process."""

from __future__ import annotations

from dataclasses import dataclass
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


def prepare(config: TrialConfig, device: str) -> Prepared:
    """What the trial shares with others, from the cache if one of them has been here."""
    h = config.hyperparameters
    about_data = Hyperparameters(**{name: getattr(h, name) for name in DATA_HYPERPARAMETERS})
    return _prepare(
        config.model, config.model_revision, config.task, config.task_fingerprint, config.data, about_data, device
    )


@lru_cache(maxsize=4)
def _prepare(
    model: str, revision: str, task_name: str, fingerprint: str, data: DataSource, h: Hyperparameters, device: str
) -> Prepared:
    task = load_task(task_name, data, fingerprint)
    pretrained = load_model(model, task.num_labels, revision or None)
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
