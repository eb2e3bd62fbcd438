from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from tune_stability.errors import UserError
from tune_stability.store import Location, StoreWarning, compact, load_results, stored_ids, write_trial
from tune_stability.store.schema import TABLES

ALL = pytest.mark.parametrize("study", ["local", "s3", "gs"], indirect=True)


@pytest.fixture
def filled(study: Location, make) -> Location:
    for seed in range(3):
        make.write(study, make.config(seed))
    write_trial(study, make.error(make.config(3)))
    return study


def everything(study: Location) -> list[pd.DataFrame]:
    return [load_results(study, table=table) for table in TABLES]


def assert_same(study: Location, before: list[pd.DataFrame]) -> None:
    for after, wanted in zip(everything(study), before, strict=True):
        pd.testing.assert_frame_equal(after, wanted)


@ALL
def test_one_file_for_each_table(filled: Location) -> None:
    before, ids = everything(filled), stored_ids(filled)
    assert compact(filled) == 4 + 3 + 3
    assert [len(filled.shards(table)) for table in TABLES] == [1, 1, 1]
    assert_same(filled, before)
    assert stored_ids(filled) == ids


@ALL
def test_nothing_to_merge(filled: Location, make) -> None:
    compact(filled)
    files = [filled.shards(table) for table in TABLES]
    assert compact(filled) == 0
    assert [filled.shards(table) for table in TABLES] == files
    make.write(filled, make.config(9))
    assert compact(filled) == 6
    assert len(load_results(filled)) == 5


def test_an_empty_study(study: Location) -> None:
    assert compact(study) == 0
    assert os.listdir(study.root) == ["study.json"]


@ALL
@pytest.mark.parametrize("deleted", [0, 1, 5])
def test_a_crash_between_writing_and_deleting(filled: Location, monkeypatch, deleted: int) -> None:
    before, delete, count = everything(filled), Location.delete, iter(range(100))

    def killed(self: Location, path: str) -> None:
        if next(count) >= deleted:
            raise KeyboardInterrupt
        delete(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(Location, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            compact(filled)
    assert_same(filled, before)
    compact(filled)
    assert_same(filled, before)
    assert [len(filled.shards(table)) for table in TABLES] == [1, 1, 1]


@ALL
def test_files_that_cannot_be_deleted_are_harmless(filled: Location, monkeypatch) -> None:
    before = everything(filled)

    def refused(_self: Location, path: str) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Location, "delete", refused)
    with pytest.warns(StoreWarning, match="could not delete 10 file") as caught:
        compact(filled)
    assert len(caught) == 1
    assert_same(filled, before)


def test_a_full_disk_deletes_nothing(filled: Location, monkeypatch) -> None:
    before, files = everything(filled), [filled.shards(table) for table in TABLES]

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        compact(filled)
    assert [filled.shards(table) for table in TABLES] == files
    assert_same(filled, before)


def test_steps_whose_trial_is_not_yet_stored_are_kept(filled: Location, make) -> None:
    config = make.config(50)
    make.write(filled, config)
    row = next(path for path in filled.shards("trials") if config.trial_id in path)
    later = Path(row).read_bytes()
    os.remove(row)
    compact(filled)
    assert config.trial_id not in set(load_results(filled, table="curves")["trial_id"])
    Path(row).write_bytes(later)
    assert (load_results(filled, table="curves")["trial_id"] == config.trial_id).sum() == 2


@ALL
def test_a_second_compaction_at_the_same_time(filled: Location, monkeypatch) -> None:
    before, delete, nested = everything(filled), Location.delete, []

    def compact_first(self: Location, path: str) -> None:
        if not nested:
            nested.append(True)
            compact(self)
        delete(self, path)

    monkeypatch.setattr(Location, "delete", compact_first)
    compact(filled)
    assert_same(filled, before)
