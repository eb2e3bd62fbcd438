"""The metrics that judge a task, from scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef


def _f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    # Of label 1, as GLUE has it; a run that never predicts it scores 0.
    return float(f1_score(labels, predictions, pos_label=1, zero_division=0.0))


def _accuracy_and_f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    return (float(accuracy_score(labels, predictions)) + _f1(labels, predictions)) / 2


METRICS: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "accuracy": accuracy_score,
    "f1": _f1,
    "accuracy_and_f1": _accuracy_and_f1,
    "matthews_correlation": matthews_corrcoef,
}
"""By name. `f1` is that of label 1, `accuracy_and_f1` the mean of the two."""
TWO_CLASS_METRICS = frozenset({"f1", "accuracy_and_f1"})


def compute_metric(name: str, labels: ArrayLike, predictions: ArrayLike) -> float:
    """The score of class predictions, shape `(n,)`, against labels, shape `(n,)`."""
    return float(METRICS[name](labels, predictions))
