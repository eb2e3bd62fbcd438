from __future__ import annotations

import datetime
import math

import pytest

from tune_stability.errors import UserError
from tune_stability.store import completed_row, current_provenance, curve_rows, error_row, gradient_rows
from tune_stability.store.schema import arrow_table, column_names


@pytest.mark.parametrize(
    ("numbers", "outcome", "mode"),
    [
        ({"score": 0.4}, "success", None),
        ({"score": 0.0, "train_loss": 0.2}, "failed", "no_generalization"),
        ({"score": 0.0, "train_loss": 0.6}, "failed", "undertrained"),
        (
            {"score": 0.0, "train_loss": 0.6, "gradient_start": 1.0, "gradient_end": 1e-4},
            "failed",
            "vanishing_gradients",
        ),
        ({"score": math.nan, "train_loss": math.nan}, "failed", "diverged"),
        # The last step was one too many, and the training loss is of before it.
        ({"score": math.nan, "train_loss": 0.6}, "failed", "diverged"),
    ],
)
def test_a_completed_trial_is_judged(make, numbers: dict, outcome: str, mode: str | None) -> None:
    row = make.completed(make.config(), **numbers)
    assert (row["status"], row["outcome"], row["failure_mode"]) == ("completed", outcome, mode)


def test_rows_have_the_columns_of_their_table(make) -> None:
    config, result = make.config(), make.result()
    null_when_completed = {"error"}
    assert {*make.completed(config), *null_when_completed} == set(column_names("trials"))
    assert set(make.error(config)) < set(column_names("trials"))
    assert {name for row in curve_rows("t", result) for name in row} == set(column_names("curves"))
    assert {name for row in gradient_rows("t", result) for name in row} == set(column_names("gradients"))


def test_a_crash_has_no_outcome_and_keeps_its_traceback(make) -> None:
    row = make.error(make.config(), traceback="Traceback\n  bad name \udcff")
    stored = arrow_table("trials", [row]).to_pylist()[0]
    assert stored["status"] == "error"
    assert stored["outcome"] is stored["score"] is stored["failure_mode"] is None
    assert stored["error"] == "Traceback\n  bad name ?"


@pytest.mark.parametrize("score", [None, "0.4", [0.4]])
def test_a_result_whose_score_is_no_number_is_refused(make, score: object) -> None:
    with pytest.raises(UserError, match=r"score of a result of .*:run_trial must be a number, received"):
        make.completed(make.config(), score=score)


def test_a_start_without_time_zone_is_refused(make) -> None:
    start = datetime.datetime(2024, 1, 1)
    with pytest.raises(UserError, match="time zone"):
        completed_row("s", make.config(), make.result(), current_provenance(), start)
    with pytest.raises(UserError, match="time zone"):
        error_row("s", make.config(), "", current_provenance(), start, 1.0)
