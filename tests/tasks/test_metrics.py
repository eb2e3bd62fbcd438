"""Scores worked out by hand, and the runs for which a metric has no value of its own."""

from __future__ import annotations

import math

import pytest

from tune_stability.tasks.metrics import METRICS, TWO_CLASS_METRICS, compute_metric


@pytest.mark.parametrize(
    ("name", "labels", "predictions", "expected"),
    [
        ("accuracy", [1, 0, 1, 1], [1, 1, 1, 1], 0.75),
        ("accuracy", [2, 0, 1], [2, 1, 0], 1 / 3),
        # TP 2, FP 1, FN 1: 2 * 2 / (2 * 2 + 1 + 1).
        ("f1", [1, 1, 1, 0, 0], [1, 1, 0, 1, 0], 2 / 3),
        # It is that of label 1 alone: with the labels swapped TP 1, FP 1, FN 1.
        ("f1", [0, 0, 0, 1, 1], [0, 0, 1, 0, 1], 0.5),
        ("f1", [1, 0, 1], [1, 0, 1], 1.0),
        # No predicted positive, none that is right, none at all: 0, and no warning, which would be an error here.
        ("f1", [1, 1, 0], [0, 0, 0], 0.0),
        ("f1", [1, 0], [0, 1], 0.0),
        ("f1", [0, 0], [0, 0], 0.0),
        # All are called positive: precision 3/4, recall 1.
        ("f1", [1, 1, 1, 0], [1, 1, 1, 1], 6 / 7),
        ("accuracy_and_f1", [1, 1, 1, 0, 0], [1, 1, 0, 1, 0], (3 / 5 + 2 / 3) / 2),
        ("accuracy_and_f1", [1, 1, 0], [0, 0, 0], 1 / 6),
        # TP 2, TN 1, FP 1, FN 0: (2 * 1 - 1 * 0) / sqrt(3 * 2 * 2 * 1).
        ("matthews_correlation", [1, 0, 1, 0], [1, 1, 1, 0], 2 / math.sqrt(12)),
        ("matthews_correlation", [1, 0, 1, 0], [0, 1, 0, 1], -1.0),
        # One class for all, which is no correlation rather than none that can be computed.
        ("matthews_correlation", [1, 0, 1, 0], [1, 1, 1, 1], 0.0),
        ("matthews_correlation", [0, 1, 2], [0, 1, 2], 1.0),
    ],
)
def test_metrics_by_hand(name: str, labels: list[int], predictions: list[int], expected: float) -> None:
    score = compute_metric(name, labels, predictions)
    assert type(score) is float
    assert score == pytest.approx(expected, abs=1e-12)


def test_the_metrics_for_two_classes_are_those_that_judge_label_1() -> None:
    assert {name for name in METRICS if "f1" in name} == TWO_CLASS_METRICS
