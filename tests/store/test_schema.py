from __future__ import annotations

import math

import pyarrow as pa
import pytest

from tune_stability.errors import UserError
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES
from tune_stability.store.schema import TABLES, VERSION_KEY, arrow_schema, arrow_table, column_names, conformed


def test_every_hyperparameter_is_a_column() -> None:
    assert set(HYPERPARAMETER_NAMES) <= set(column_names("trials"))


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_unique_and_documented(table: str) -> None:
    names = column_names(table)
    assert len(set(names)) == len(names)
    assert all(column.meaning.endswith(".") for column in TABLES[table])
    assert arrow_schema(table).metadata[VERSION_KEY] == b"1"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("score", "high"),
        ("config_index", 2**31),
        ("steps", 1.5),
        ("seed", None),
        ("predicted_share", 0.5),
        ("device", "\ud800"),
        ("seed", 2**64),
    ],
)
def test_a_value_that_does_not_fit_is_named(make, column: str, value: object) -> None:
    with pytest.raises(UserError, match=f"^column {column} of trials .*received .*") as caught:
        arrow_table("trials", [make.completed(make.config()) | {column: value}])
    assert "\n" not in str(caught.value)


def test_nan_is_not_null(make) -> None:
    rows = arrow_table("trials", [make.completed(make.config(), score=math.nan), make.error(make.config(1))])
    assert rows["score"].is_null().to_pylist() == [False, True]


def test_an_absent_hyperparameter_is_at_its_default_and_other_absent_columns_are_null() -> None:
    old = pa.table({"trial_id": ["a", "b"], "seed": pa.array([1, 2], pa.int32())})
    new = conformed(old, "trials", ["trial_id", "seed", "num_epochs", "bias_correction", "git_commit"])
    assert new.to_pydict() == {
        "trial_id": ["a", "b"],
        "num_epochs": [3, 3],
        "bias_correction": [True, True],
        "seed": [1, 2],
        "git_commit": [None, None],
    }
    assert new.schema == arrow_schema("trials", new.column_names)
