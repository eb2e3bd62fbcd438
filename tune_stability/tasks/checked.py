"""A task out of two splits as they were read, once they are such that a model can learn from them and be judged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, Value

from tune_stability.errors import UserError, unknown_name
from tune_stability.tasks.metrics import METRICS, TWO_CLASS_METRICS
from tune_stability.tasks.tables import RawSplit
from tune_stability.tasks.task import Task

Label = int | str
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)


def checked_task(
    name: str,
    metric: str,
    text_columns: tuple[str, ...],
    label_column: str,
    train: RawSplit,
    validation: RawSplit,
    unlabelled: Label | None = None,
) -> Task:
    """The task, its classes numbered in the sorted order of the training set's labels, whole numbers before words.

    Rows labelled `unlabelled` are left out. Raises `UserError` for a missing column, an empty split, a missing text or
    label, a split of one class, a label that the training set lacks, or a metric that does not fit.
    """
    learned, judged = (_examples(split, text_columns, label_column, unlabelled) for split in (train, validation))
    classes = sorted(set(learned.labels), key=lambda label: (isinstance(label, str), label))
    check_metric(metric, len(classes))
    if lacking := sorted(set(judged.labels) - set(classes), key=str):
        raise UserError(
            f"{validation.origin} has the label {lacking[0]!r}, which the training set lacks; it has "
            f"{_few([repr(label) for label in classes])}."
        )
    return Task(name, metric, text_columns, _dataset(learned, classes), _dataset(judged, classes))


def check_metric(metric: str, num_labels: int = 2) -> None:
    """Raise `UserError` for a metric that is unknown, or not for so many classes."""
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS)
    if metric in TWO_CLASS_METRICS and num_labels != 2:
        allowed = ", ".join(sorted(METRICS.keys() - TWO_CLASS_METRICS))
        raise UserError(f"the metric {metric} is for two classes, the task has {num_labels}; take one of {allowed}.")


def check_train_size(size: int, available: int) -> None:
    """Raise `UserError` if a training set of `available` examples has not `size`."""
    if size > available:
        raise UserError(f"train_size is {size}, the training set has {available} examples; ask for less.")


def check_columns(split: RawSplit, columns: tuple[str, ...]) -> None:
    """Raise `UserError` for a column that is not there or there twice."""
    names = split.table.column_names
    for column in columns:
        if names.count(column) != 1:
            what = "has no column" if column not in names else "has more than one column"
            raise UserError(f"{split.origin} {what} {column!r}; it has {_few([repr(name) for name in names])}.")


@dataclass(frozen=True)
class _Examples:
    """Columns of text by name, and the labels beside them."""

    texts: dict[str, list[str]]
    labels: list[Label]


def _examples(split: RawSplit, text_columns: tuple[str, ...], label_column: str, unlabelled: Label | None) -> _Examples:
    check_columns(split, (*text_columns, label_column))
    labels = _labels(split, label_column)
    kept = [row for row, label in enumerate(labels) if label != unlabelled]
    if not kept:
        raise UserError(f"{split.origin} is empty: it has no row with a label; give one that has some.")
    texts = {column: _texts(split, column) for column in text_columns}
    examples = _Examples(
        {column: [values[row] for row in kept] for column, values in texts.items()}, [labels[row] for row in kept]
    )
    if len(set(examples.labels)) == 1:
        raise UserError(
            f"{split.origin} has one class only, all its labels are {examples.labels[0]!r}; two are needed at least."
        )
    return examples


def _texts(split: RawSplit, column: str) -> list[str]:
    values = _decoded(split.table.column(column))
    if not (_is_text(values.type) or pa.types.is_null(values.type)):
        raise UserError(f"{split.origin} has {values.type} in the column {column!r}, where texts belong; name another.")
    return _complete(split.origin, column, values.to_pylist())


def _labels(split: RawSplit, column: str) -> list[Label]:
    values = _decoded(split.table.column(column))
    known = (_is_text, pa.types.is_integer, pa.types.is_boolean, pa.types.is_floating, pa.types.is_null)
    if not any(is_kind(values.type) for is_kind in known):
        raise UserError(
            f"{split.origin} has {values.type} in the column {column!r}, where labels belong: whole numbers or words."
        )
    labels = _complete(split.origin, column, [_label(value) for value in values.to_pylist()])
    if fractions := [label for label in labels if isinstance(label, float)]:
        raise UserError(
            f"{split.origin} has the label {fractions[0]:g} in the column {column!r}: a label is a whole number or a "
            "word, a regression has none."
        )
    return labels


def _label(value: Any) -> Label | float | None:
    # NaN differs from itself; pandas and spreadsheets also write it as a word.
    if value is None or value != value or value in ("", "nan", "NaN"):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, str):
        return int(value) if _WHOLE_NUMBER.fullmatch(value) else value
    return int(value)


def _complete(origin: str, column: str, values: list[Any]) -> list[Any]:
    missing = [row for row, value in enumerate(values, start=1) if value is None]
    if missing:
        raise UserError(
            f"{origin} has nothing in the column {column!r} in {len(missing)} of {len(values)} rows, the first is row "
            f"{missing[0]}; fill these in or leave them out."
        )
    return values


def _dataset(examples: _Examples, classes: list[Label]) -> Dataset:
    number = {label: index for index, label in enumerate(classes)}
    names = ClassLabel(names=[str(label) for label in classes])
    return Dataset.from_dict(
        {**examples.texts, "label": [number[label] for label in examples.labels]},
        features=Features({**dict.fromkeys(examples.texts, Value("string")), "label": names}),
    )


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # What pandas calls a category is stored as numbers and their meaning.
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return (", ".join(names[:10]) or "none") + more
