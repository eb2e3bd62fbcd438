"""What a model is fine-tuned on: texts, labels, and the metric that judges it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from tune_stability.tasks.metrics import compute_metric


@dataclass(frozen=True)
class Task:
    """A text classification task. Both splits have the columns `text_columns` (one or two) and `label`."""

    name: str
    metric: str
    text_columns: tuple[str, ...]
    train: Dataset
    validation: Dataset

    @property
    def num_labels(self) -> int:
        return int(self.train.features["label"].num_classes)

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of a hash of the metric and of every text and label, in order."""
        digest = hashlib.sha256(self.metric.encode())
        for split in (self.train, self.validation):
            for column in (*self.text_columns, "label"):
                digest.update(json.dumps(split[column][:]).encode())
        return digest.hexdigest()[:12]

    def majority_score(self) -> float:
        """The best score on the validation set of always predicting one class.

        That class is the majority, but for F1 of a label in the minority: always predicting the majority scores 0
        there, which a run that always predicts the label beats, although it has learned as little.
        """
        labels = np.asarray(self.validation["label"])
        return max(compute_metric(self.metric, labels, np.full_like(labels, one)) for one in range(self.num_labels))

    def chance_loss(self) -> float:
        """Cross-entropy, in nats, of always predicting the training set's class frequencies."""
        return entropy(class_shares(np.asarray(self.train["label"]), self.num_labels))


def class_shares(labels: NDArray[np.integer], num_labels: int) -> NDArray[np.float64]:
    """Share of each class among `labels`, shape `(num_labels,)`."""
    return np.bincount(labels, minlength=num_labels) / len(labels)


def entropy(shares: NDArray[np.float64]) -> float:
    """The entropy, in nats, of class frequencies, shape `(num_labels,)`: the loss of always predicting them."""
    present = shares[shares > 0]
    return float(-(present * np.log(present)).sum())
