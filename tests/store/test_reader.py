from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tune_stability import Hyperparameters, load_results
from tune_stability.errors import UserError
from tune_stability.store import Location, StoreWarning, compact, stored_ids, write_trial
from tune_stability.store.schema import TABLES, VERSION_KEY, column_names

ALL = pytest.mark.parametrize("study", ["local", "s3", "gs"], indirect=True)


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_study_has_typed_empty_tables(study: Location, table: str) -> None:
    frame = load_results(study.root, table=table)
    assert tuple(frame.columns) == column_names(table)
    assert frame.empty
    assert str(frame["trial_id"].dtype) == "str"
    assert stored_ids(study) == {}


@ALL
def test_types_do_not_depend_on_the_rows(study: Location, make) -> None:
    empty = load_results(study).dtypes
    write_trial(study, make.error(make.config(0)))
    only_errors = load_results(study).dtypes
    make.write(study, make.config(1))
    mixed = load_results(study).dtypes
    assert empty.equals(only_errors)
    assert empty.equals(mixed)
    wanted = {"config_index": "int32", "seed": "int64", "steps": "Int64", "bias_correction": "bool", "outcome": "str"}
    assert {name: str(mixed[name]) for name in wanted} == wanted
    assert str(mixed["started_at"]) == "datetime64[us, UTC]"


def test_a_trial_comes_back_as_it_was(study: Location, make) -> None:
    make.write(study, make.config(7, config_index=3, hyperparameters=Hyperparameters(learning_rate=3e-4)))
    row = load_results(f"file://{study.root}").iloc[0]
    assert (row["seed"], row["config_index"], row["learning_rate"], row["num_epochs"]) == (7, 3, 3e-4, 3)
    assert row["predicted_share"].tolist() == [0.25, 0.75]
    assert row["started_at"] == pd.Timestamp("2024-05-01 12:00", tz="UTC")
    assert pd.isna(row["error"])
    assert pd.isna(row["failure_mode"])


def test_nan_of_a_diverged_run_is_a_value_in_parquet(study: Location, make) -> None:
    make.write(study, make.config(), score=math.nan, train_loss=math.nan)
    column = pq.read_table(study.shards("trials")[0])["score"]
    assert column.null_count == 0
    row = load_results(study).iloc[0]
    assert np.isnan(row["score"])
    assert row["failure_mode"] == "diverged"


@ALL
def test_rows_are_ordered(study: Location, make) -> None:
    for index, seed, recipe in [(1, 0, "a"), (0, 1, "b"), (0, 1, "a"), (0, 0, "b")]:
        hyperparameters = Hyperparameters(num_epochs=1 + index, bias_correction=recipe == "a")
        make.write(study, make.config(seed, config_index=index, recipe=recipe, hyperparameters=hyperparameters))
    frame = load_results(study, ["config_index", "seed", "recipe"])
    wanted = [(0, 0, "b"), (0, 1, "a"), (0, 1, "b"), (1, 0, "a")]
    assert list(frame.itertuples(index=False, name=None)) == wanted
    ids = load_results(study, ["trial_id"])["trial_id"]
    curves = load_results(study, table="curves")
    assert curves["trial_id"].tolist() == [trial_id for trial_id in ids for _ in range(2)]
    assert curves["step"].tolist() == [1, 2] * 4
    assert load_results(study, table="gradients")["layer_group"].tolist() == ["lower", "upper"] * 4


@ALL
def test_columns_come_as_asked_for(study: Location, make) -> None:
    make.write(study, make.config())
    assert load_results(study, ["score", "seed", "score"]).columns.tolist() == ["score", "seed"]
    assert load_results(study, ["loss"], table="curves")["loss"].tolist() == [0.7, 0.5]


@ALL
@pytest.mark.parametrize("is_compact", [False, True])
@pytest.mark.parametrize("table", TABLES)
def test_rows_of_some_trials(study: Location, make, table: str, is_compact: bool) -> None:
    configs = [make.config(seed) for seed in range(4)]
    for config in configs:
        make.write(study, config)
    if is_compact:
        compact(study)
    frame = load_results(study, table=table)
    wanted = [configs[2].trial_id, configs[0].trial_id, "absent"]
    found = load_results(study, table=table, trial_ids=wanted)
    pd.testing.assert_frame_equal(found, frame[frame["trial_id"].isin(wanted)].reset_index(drop=True))
    assert set(found["trial_id"]) == set(wanted[:2])
    assert load_results(study, table=table, trial_ids=[]).empty


def test_files_of_other_trials_are_not_opened(study: Location, make) -> None:
    config, other = make.config(0), make.config(1)
    make.write(study, config)
    make.write(study, other)
    (broken,) = (path for path in study.shards("curves") if other.trial_id in path)
    Path(broken).write_bytes(b"no parquet")
    assert len(load_results(study, table="curves", trial_ids=[config.trial_id])) == 2
    with pytest.warns(StoreWarning, match="left out 1 damaged"):
        assert load_results(study, table="curves", trial_ids=[other.trial_id]).empty


@pytest.mark.parametrize(
    ("columns", "table", "words"),
    [
        (["scores"], "trials", "unknown column of trials 'scores'; did you mean 'score'"),
        (["loss"], "gradients", "unknown column of gradients 'loss'"),
        (None, "trial", "unknown table 'trial'; did you mean 'trials'"),
    ],
)
def test_unknown_names(study: Location, columns: list[str] | None, table: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_results(study, columns, table)


@pytest.mark.parametrize("read", [load_results, stored_ids, compact])
def test_a_folder_without_a_study(tmp_path: Path, read) -> None:
    with pytest.raises(UserError, match=r"is no study: it has no study.json"):
        read(tmp_path)


DUPLICATES = {
    "completed beats a later error": ([("completed", 0), ("error", 5)], "completed", 0),
    "completed beats an earlier error": ([("error", 0), ("completed", 5)], "completed", 5),
    "the latest of two completed": ([("completed", 5), ("completed", 2)], "completed", 5),
    "the latest of two errors": ([("error", 2), ("error", 9), ("error", 5)], "error", 9),
}


@ALL
@pytest.mark.parametrize(("attempts", "status", "hours"), DUPLICATES.values(), ids=DUPLICATES)
def test_one_row_for_each_trial(study: Location, make, attempts, status: str, hours: int) -> None:
    config = make.config()
    for kind, start in attempts:
        write_trial(study, getattr(make, kind)(config, start))
    for _ in range(2):
        frame = load_results(study)
        assert frame["status"].tolist() == [status]
        assert frame["started_at"].dt.hour.tolist() == [12 + hours]
        assert stored_ids(study) == {config.trial_id: status}
        compact(study)


@ALL
def test_a_crash_between_curve_and_row_leaves_nothing_to_see(study: Location, make, monkeypatch) -> None:
    write = Location.write

    def killed(self: Location, path: str, data: bytes) -> None:
        if "/trials/" in path:
            raise KeyboardInterrupt
        write(self, path, data)

    monkeypatch.setattr(Location, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        make.write(study, make.config())
    assert load_results(study, table="curves").empty
    assert stored_ids(study) == {}
    monkeypatch.setattr(Location, "write", write)
    make.write(study, make.config())
    assert load_results(study, table="curves")["step"].tolist() == [1, 2]
    assert load_results(study, table="gradients")["layer_group"].tolist() == ["lower", "upper"]


def test_two_attempts_at_a_curve_are_never_mixed(study: Location, make) -> None:
    result = make.result()
    make.write(study, make.config(), curve=result.curve[:1])
    os.utime(study.shards("curves")[0], (1000, 1000))
    make.write(study, make.config(), hours=1, curve=result.curve[1:])
    assert load_results(study, table="curves")["step"].tolist() == [2]


@ALL
def test_the_curve_of_a_crash_is_left_out(study: Location, make) -> None:
    config = make.config()
    steps = [{"trial_id": config.trial_id, "step": 1, "loss": 0.1, "learning_rate": 0.1, "score": None}]
    write_trial(study, make.error(config), steps)
    assert load_results(study, table="curves").empty


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    place = data.index(b"ValueError")
    return data[:place] + b"w" + data[place + 1 :]


def foreign(_data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"trial_id": ["x"], "status": ["completed"]}), sink)
    return bytes(sink.getvalue())


def without_id(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pq.read_table(pa.BufferReader(data)).drop_columns(["trial_id"]), sink)
    return bytes(sink.getvalue())


def of_another_type(data: bytes) -> bytes:
    rows = pq.read_table(pa.BufferReader(data))
    names = rows.schema.get_field_index("started_at"), rows.schema.get_field_index("status")
    for place in names:
        rows = rows.set_column(place, rows.field(place).name, pa.array([[1]]))
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    return bytes(sink.getvalue())


@ALL
@pytest.mark.parametrize(
    "damage",
    [truncated, flipped, foreign, without_id, of_another_type, lambda data: b"", lambda data: b"PAR1" * 50],
)
def test_damaged_files_are_left_out_named_and_never_deleted(study: Location, make, damage) -> None:
    make.write(study, make.config(0))
    make.write(study, make.config(1))
    write_trial(study, make.error(make.config(2)))
    victim = next(path for path in study.shards("trials") if make.config(2).trial_id in path)
    study.write(victim, damage(study.read(victim)))
    name = os.path.basename(victim)
    with pytest.warns(StoreWarning, match=f"left out 1 damaged or foreign.*{name}.*delete") as caught:
        frame = load_results(study)
    assert caught[0].filename == __file__
    assert frame["seed"].tolist() == [0, 1]
    with pytest.warns(StoreWarning, match=name):
        assert compact(study) == 6
    assert study.exists(victim)
    with pytest.warns(StoreWarning, match=name):
        pd.testing.assert_frame_equal(load_results(study), frame)


def test_one_warning_names_a_few_of_many(study: Location) -> None:
    os.mkdir(f"{study.root}/trials")
    for number in range(12):
        Path(study.shard("trials", f"t{number:02}", "u")).write_bytes(b"")
    with pytest.warns(StoreWarning, match="left out 12 .*t09.* and 2 more") as caught:
        assert stored_ids(study) == {}
    assert len(caught) == 1


def test_files_being_written_are_no_files(study: Location, make) -> None:
    make.write(study, make.config())
    Path(f"{study.root}/trials/.t-u.parquet.0123.tmp").write_bytes(b"PAR1")
    assert len(load_results(study)) == 1


def rewritten(study: Location, drop: list[str], version: bytes) -> None:
    path = study.shards("trials")[0]
    rows = pq.read_table(path).drop_columns(drop).replace_schema_metadata({VERSION_KEY: version})
    pq.write_table(rows, path)


def test_an_older_file_opens(study: Location, make) -> None:
    make.write(study, make.config())
    rewritten(study, ["token_type_ids", "max_seq_length", "device", "best_step"], b"0")
    make.write(study, make.config(1))
    frame = load_results(study)
    assert frame["token_type_ids"].tolist() == [True, True]
    assert frame["max_seq_length"].tolist() == [128, 128]
    assert frame["device"].isna().tolist() == [True, False]
    assert frame["best_step"].isna().tolist() == [True, False]
    assert compact(study) == 6
    pd.testing.assert_frame_equal(load_results(study), frame)


@pytest.mark.parametrize("read", [load_results, stored_ids, compact])
def test_a_newer_file_asks_for_an_upgrade(study: Location, make, read) -> None:
    make.write(study, make.config())
    rewritten(study, [], b"2")
    with pytest.raises(UserError, match=r"schema version 2 in .*\.parquet, .* reads up to 1; upgrade"):
        read(study)


@ALL
def test_a_compaction_while_reading_hides_no_row(study: Location, make, monkeypatch) -> None:
    for seed in range(5):
        make.write(study, make.config(seed))
    wanted = load_results(study)
    read, compacted = Location.read, []

    def read_and_compact(self: Location, path: str) -> bytes | None:
        if not compacted:
            compacted.append(True)
            compact(study)
        return read(self, path)

    monkeypatch.setattr(Location, "read", read_and_compact)
    pd.testing.assert_frame_equal(load_results(study), wanted)


def test_reading_needs_neither_torch_nor_ray(study: Location, make) -> None:
    make.write(study, make.config())
    code = (
        "import sys, tune_stability as t; assert not {'pandas', 'pyarrow', 'torch', 'ray'} & set(sys.modules);"
        f"t.load_results({study.root!r}); assert not {{'torch', 'ray', 'transformers'}} & set(sys.modules)"
    )
    folder = Path(sys.modules["tune_stability"].__file__).parent.parent
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=folder)
