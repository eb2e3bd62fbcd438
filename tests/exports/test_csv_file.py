"""What pandas and Python's own reader get from the CSV is what is stored."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd

from tune_stability.exports.csv_file import write_csv
from tune_stability.store import TABLES


def test_every_cell_comes_back(study, tmp_path: Path) -> None:
    _, spec, trials = study
    write_csv(trials, spec, tmp_path / "all.csv")
    back = pd.read_csv(tmp_path / "all.csv", dtype={"replicate": "Int32"})
    assert list(back.columns) == [column.name for column in TABLES["trials"]]
    shares = [None if isinstance(text, float) else json.loads(text) for text in back["predicted_share"]]
    stored = [None if share is None else list(share) for share in trials["predicted_share"]]
    assert shares == stored
    # The numbers to the last bit, the texts whatever is in them.
    for name in ("trial_id", "learning_rate", "score", "train_loss", "seed", "outcome", "bias_correction", "error"):
        pd.testing.assert_series_equal(back[name], trials[name], check_dtype=False, check_exact=True)
    assert (pd.to_datetime(back["started_at"]) == trials["started_at"]).all()


def test_a_traceback_is_one_cell(study, tmp_path: Path) -> None:
    _, spec, trials = study
    write_csv(trials, spec, tmp_path / "all.csv")
    with open(tmp_path / "all.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    (crash,) = [row for row in rows if row["status"] == "error"]
    assert crash["error"].splitlines() == ["Traceback:", '  File "a, b"', "MemoryError: =1+1"]
    assert (crash["score"], crash["outcome"]) == ("", "")
