"""The one table of the columns that a study stores, for each of its three tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from types import MappingProxyType
from typing import Any, Literal

import pyarrow as pa

from tune_stability.errors import UserError
from tune_stability.hyperparameters import HYPERPARAMETER_TYPES, Hyperparameters

SCHEMA_VERSION = 1
"""Raised by one whenever a column changes its meaning or type. A new column alone needs no new version."""

VERSION_KEY = b"tune_stability.schema_version"
"""Where a Parquet file's metadata keeps the version."""

Table = Literal["trials", "curves", "gradients"]
Row = Mapping[str, Any]

_TEXT, _REAL, _WHOLE = pa.string(), pa.float64(), pa.int64()
_TIME = pa.timestamp("us", tz="UTC")
_ARROW_TYPES = {float: _REAL, int: _WHOLE, bool: pa.bool_(), str: _TEXT}


@dataclass(frozen=True)
class Column:
    """A column of a table. `absent` is what a file written before the column existed means by leaving it out."""

    name: str
    type: pa.DataType
    meaning: str
    nullable: bool = False
    absent: float | int | bool | str | None = None


_HYPERPARAMETERS = tuple(
    Column(
        field.name,
        _ARROW_TYPES[HYPERPARAMETER_TYPES[field.name]],
        f"Hyperparameter `{field.name}` of the run.",
        # An absent hyperparameter is at its default: the trial id leaves it out for the same reason.
        absent=field.default,  # type: ignore[arg-type]
    )
    for field in dataclasses.fields(Hyperparameters)
)

_TRIALS = (
    Column("trial_id", _TEXT, "Hash of everything that determines the result."),
    Column("study", _TEXT, "Name of the study that ran the trial."),
    Column("model", _TEXT, "What was fine-tuned."),
    Column("model_revision", _TEXT, "Which revision of the model."),
    Column("task", _TEXT, "What the model was fine-tuned on."),
    Column("task_fingerprint", _TEXT, "Hash of the task's data."),
    Column("trainable", _TEXT, "`package.module:function` that ran the trial."),
    Column("recipe", _TEXT, "Name of the recipe."),
    Column("config_index", pa.int32(), "Which configuration of the study, from 0."),
    Column("source", _TEXT, "design (space-filling) or adaptive (a sampler that looks at results)."),
    # Null in files from before this column existed, when a Sobol design was one scramble.
    Column("replicate", pa.int32(), "Which of the design's independent scrambles it comes from.", nullable=True),
    *_HYPERPARAMETERS,
    Column("seed", _WHOLE, "Seed of the run."),
    # Null in files from before these columns existed, when all three were the seed of the run.
    Column("init_seed", _WHOLE, "Seed of the head's initial weights.", nullable=True),
    Column("data_seed", _WHOLE, "Seed of the data order.", nullable=True),
    Column("dropout_seed", _WHOLE, "Seed of dropout.", nullable=True),
    Column("status", _TEXT, "What happened to the execution: completed or error."),
    Column("outcome", _TEXT, "What a completed run showed, by the majority rule: success or failed.", nullable=True),
    Column("failure_mode", _TEXT, "Why a failed trial failed.", nullable=True),
    Column("metric", _TEXT, "What the scores measure.", nullable=True),
    Column("score", _REAL, "Validation score at the end of training; NaN if the run diverged.", nullable=True),
    Column("best_score", _REAL, "Best validation score at any evaluation.", nullable=True),
    Column("best_step", _WHOLE, "Step of the best score.", nullable=True),
    Column("majority_score", _REAL, "Best score of always predicting one class: the majority.", nullable=True),
    Column("train_loss", _REAL, "Mean training loss over the last epoch, in nats.", nullable=True),
    Column("chance_loss", _REAL, "Training loss of predicting class frequencies, in nats.", nullable=True),
    Column("predicted_share", pa.list_(_REAL), "Share of the validation set predicted as each class.", nullable=True),
    Column("gradient_start", _REAL, "Median lower-layer gradient norm over the first recorded steps.", nullable=True),
    Column("gradient_end", _REAL, "The same over the recorded steps of the second half.", nullable=True),
    Column("steps", _WHOLE, "Optimizer steps made.", nullable=True),
    Column("seconds", _REAL, "Wall-clock time of the run, in seconds."),
    Column("device", _TEXT, "Where the run computed.", nullable=True),
    Column("started_at", _TIME, "When the run started, in UTC."),
    Column("contract_version", _WHOLE, "Version of the trial contract; part of the trial id."),
    Column("tune_stability_version", _TEXT, "Version of this package.", nullable=True),
    Column("python_version", _TEXT, "Version of Python."),
    Column("torch_version", _TEXT, "Version of PyTorch, if installed.", nullable=True),
    Column("transformers_version", _TEXT, "Version of transformers, if installed.", nullable=True),
    Column("git_commit", _TEXT, "Commit checked out where the run was started, if any.", nullable=True),
    Column("error", _TEXT, "Traceback of a crash.", nullable=True),
)

_CURVES = (
    Column("trial_id", _TEXT, "The trial."),
    Column("step", _WHOLE, "Optimizer step, from 0."),
    Column("loss", _REAL, "Mean training loss of the step's batch, in nats."),
    Column("learning_rate", _REAL, "Learning rate of the step."),
    Column("score", _REAL, "Validation score, at the steps that were evaluated.", nullable=True),
)

_GRADIENTS = (
    Column("trial_id", _TEXT, "The trial."),
    Column("step", _WHOLE, "Optimizer step, from 0."),
    Column("layer_group", _TEXT, "Which layers."),
    Column("norm", _REAL, "L2 norm of their gradient before clipping."),
    Column(
        "update_ratio", _REAL, "Norm of the step's change of their weights over that of the weights.", nullable=True
    ),
)

TABLES: Mapping[Table, tuple[Column, ...]] = MappingProxyType(
    {"trials": _TRIALS, "curves": _CURVES, "gradients": _GRADIENTS}
)


def column_names(table: Table) -> tuple[str, ...]:
    """The names of a table's columns, in order."""
    return tuple(column.name for column in TABLES[table])


def arrow_schema(table: Table, columns: Iterable[str] | None = None) -> pa.Schema:
    """The schema of a table, or of some of its columns (in the table's order), with the version in its metadata."""
    names = set(column_names(table) if columns is None else columns)
    fields = [pa.field(column.name, column.type) for column in TABLES[table] if column.name in names]
    return pa.schema(fields, metadata={VERSION_KEY: str(SCHEMA_VERSION).encode()})


def arrow_table(table: Table, rows: Sequence[Row]) -> pa.Table:
    """The rows as a table. Raises `UserError` for a value that its column does not take."""
    arrays = [_array(table, column, [row.get(column.name) for row in rows]) for column in TABLES[table]]
    return pa.Table.from_arrays(arrays, schema=arrow_schema(table))


def conformed(data: pa.Table, table: Table, columns: Iterable[str]) -> pa.Table:
    """`data`, perhaps of an older version, with exactly these columns of today's schema.

    A missing column is filled with what its absence means: the default of a hyperparameter, null otherwise.
    Raises `pyarrow.ArrowInvalid` for values that do not fit today's types.
    """
    schema = arrow_schema(table, columns)
    absent = {column.name: column.absent for column in TABLES[table]}
    arrays = [
        data[field.name].cast(field.type)
        if field.name in data.column_names
        else pa.repeat(pa.scalar(absent[field.name], field.type), data.num_rows)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(table: Table, column: Column, values: list[Any]) -> pa.Array:
    for value in values:
        if value is None and not column.nullable:
            raise UserError(f"column {column.name} of {table} must have a value ({column.meaning}), received none.")
    try:
        if pa.types.is_integer(column.type) and not all(
            value is None or isinstance(value, Integral) for value in values
        ):
            raise TypeError
        return pa.array(values, column.type)
    except (pa.ArrowException, TypeError, OverflowError, UnicodeError):
        shown = ", ".join(sorted({repr(value)[:80] for value in values})[:3])
        raise UserError(f"column {column.name} of {table} takes {column.type} values, received {shown}.") from None
