"""The metrics that judge a task, from scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, matthews_corrcoef

METRICS: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "accuracy": accuracy_score,
    "matthews_correlation": matthews_corrcoef,
}


def compute_metric(name: str, labels: ArrayLike, predictions: ArrayLike) -> float:
    """The score of class predictions, shape `(n,)`, against labels, shape `(n,)`."""
    return float(METRICS[name](labels, predictions))
