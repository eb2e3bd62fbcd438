from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from tune_stability.tasks.task import Task, class_shares


def split(labels: list[int], num_labels: int = 2, **columns: list[str]) -> Dataset:
    columns = columns or {"text": [f"t{i}" for i in range(len(labels))]}
    features = Features({**{name: Value("string") for name in columns}, "label": ClassLabel(num_classes=num_labels)})
    return Dataset.from_dict({**columns, "label": labels}, features=features)


def task(train: list[int], validation: list[int], metric: str = "accuracy", num_labels: int = 2) -> Task:
    return Task("t", metric, ("text",), split(train, num_labels), split(validation, num_labels))


@pytest.mark.parametrize(
    ("validation", "metric", "expected"),
    [
        # The majority is the validation set's own, whatever the training set's.
        ([1, 1, 1, 0], "accuracy", 0.75),
        ([0, 0, 0, 0, 1], "accuracy", 0.8),
        ([0, 1], "accuracy", 0.5),
        ([1, 1], "accuracy", 1.0),
        ([1, 1, 1, 0], "matthews_correlation", 0.0),
        ([0, 0, 0, 1], "matthews_correlation", 0.0),
        # F1 of label 1: always predicting it has precision 3/4 and recall 1, or 1/4 and 1 where it is the minority.
        ([1, 1, 1, 0], "f1", 6 / 7),
        ([0, 0, 0, 1], "f1", 0.4),
        # Always 0: (3/4 + 0) / 2; always 1: (1/4 + 0.4) / 2.
        ([0, 0, 0, 1], "accuracy_and_f1", 0.375),
    ],
)
def test_majority_score_by_hand(validation: list[int], metric: str, expected: float) -> None:
    assert task([0, 0, 0, 1], validation, metric).majority_score() == pytest.approx(expected)


def test_majority_score_of_three_classes() -> None:
    three = task([0, 1, 2], [2, 2, 0, 1, 2], num_labels=3)
    assert three.num_labels == 3
    assert three.majority_score() == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("train", "num_labels", "expected"),
    [
        ([0, 1], 2, math.log(2)),
        ([0, 1, 1, 1], 2, 0.25 * math.log(4) + 0.75 * math.log(4 / 3)),
        ([0, 1, 2], 3, math.log(3)),
        ([0, 0, 1, 2], 3, 1.5 * math.log(2)),
        # A class that never occurs costs nothing.
        ([0, 2], 3, math.log(2)),
        ([1, 1, 1], 2, 0.0),
    ],
)
def test_chance_loss_by_hand(train: list[int], num_labels: int, expected: float) -> None:
    assert task(train, [0, 1], num_labels=num_labels).chance_loss() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "num_labels", "expected"),
    [([0, 0, 1, 0], 2, [0.75, 0.25]), ([1, 1], 2, [0.0, 1.0]), ([2, 0], 4, [0.5, 0.0, 0.5, 0.0])],
)
def test_class_shares(labels: list[int], num_labels: int, expected: list[float]) -> None:
    assert class_shares(np.array(labels), num_labels).tolist() == expected


BASE = Task(
    "pairs",
    "accuracy",
    ("first", "second"),
    split([0, 1], first=["a", "b"], second=["c", "d"]),
    split([1, 0], first=["e", "f"], second=["g", "h"]),
)


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "matthews_correlation"},
        {"text_columns": ("first",)},
        {"text_columns": ("second", "first")},
        {"train": split([0, 0], first=["a", "b"], second=["c", "d"])},
        {"train": split([0, 1], first=["a", "B"], second=["c", "d"])},
        {"train": split([0, 1], first=["a", "b"], second=["c", "d "])},
        {"train": split([1, 0], first=["b", "a"], second=["d", "c"])},
        {"validation": split([1, 0], first=["e", "f"], second=["g", "i"])},
        {"validation": split([1], first=["e"], second=["g"])},
        {"train": BASE.validation, "validation": BASE.train},
    ],
)
def test_a_fingerprint_changes_with_what_is_learned_from(change: dict) -> None:
    assert dataclasses.replace(BASE, **change).fingerprint != BASE.fingerprint


def test_a_fingerprint_is_of_the_content_alone() -> None:
    same = Task(
        "another name",
        "accuracy",
        ("first", "second"),
        split([0, 1], first=["a", "b"], second=["c", "d"]),
        split([1, 0], first=["e", "f"], second=["g", "h"]),
    )
    assert same.fingerprint == BASE.fingerprint == "a26d08581264"
