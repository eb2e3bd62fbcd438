from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import duckdb
import pandas as pd
import pytest

from tune_stability import load_results
from tune_stability.errors import UserError
from tune_stability.store import Location, write_trial
from tune_stability.trials import SEED_PARTS

ALL = pytest.mark.parametrize("study", ["local", "s3", "gs"], indirect=True)


@ALL
def test_the_row_is_written_last(study: Location, make, monkeypatch) -> None:
    written = []
    monkeypatch.setattr(Location, "write", lambda _self, path, _data: written.append(path.split("/")[-2]))
    make.write(study, make.config())
    assert written == ["curves", "gradients", "trials"]


@ALL
def test_a_bad_value_writes_nothing(study: Location, make) -> None:
    row = make.completed(make.config(), best_score="high")
    with pytest.raises(UserError, match="column best_score of trials takes double values, received 'high'"):
        write_trial(study, row, [{"trial_id": "t", "step": 1, "loss": 0.1, "learning_rate": 0.1, "score": None}])
    assert study.foreign_names() == []


@ALL
def test_a_trial_without_logged_steps(study: Location, make) -> None:
    write_trial(study, make.completed(make.config(), curve=(), gradients=()))
    assert len(load_results(study)) == 1
    assert load_results(study, table="curves").empty


@ALL
def test_processes_writing_at_once(study: Location, make) -> None:
    rows = [make.completed(make.config(seed)) for seed in range(20)]
    twice = [row for row in rows for _ in range(2)]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(write_trial, [study] * len(twice), twice))
    assert len(study.shards("trials")) == 40
    assert load_results(study)["seed"].tolist() == list(range(20))


def test_other_readers_see_the_same_rows(study: Location, make) -> None:
    for seed in range(3):
        make.write(study, make.config(seed))
    write_trial(study, make.error(make.config(3)))
    wanted = load_results(study)
    by_pandas = pd.read_parquet(f"{study.root}/trials").sort_values("seed", ignore_index=True)
    pd.testing.assert_frame_equal(
        by_pandas.astype(dict.fromkeys(("best_step", "steps", "replicate", *SEED_PARTS), "Int64")), wanted
    )
    found = duckdb.sql(f"select seed, score, outcome from '{study.root}/trials/*.parquet' order by seed").fetchall()
    assert found == [(0, 0.4, "success"), (1, 0.4, "success"), (2, 0.4, "success"), (3, None, None)]
