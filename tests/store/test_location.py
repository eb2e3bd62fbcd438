from __future__ import annotations

import errno
import os
import pickle

import pytest
from pyarrow import fs

from tune_stability.errors import UserError
from tune_stability.store import Location, locate
from tune_stability.store import location as module


@pytest.fixture
def memory() -> Location:
    """A filesystem that is not the local one."""
    return Location(fs._MockFileSystem(), "bucket/study", "mock://bucket/study")


def test_a_path_and_its_url_are_one_place(tmp_path) -> None:
    by_path, by_url = locate(tmp_path / "s"), locate(f"file://{tmp_path}/s/")
    assert by_path.root == by_url.root == str(tmp_path / "s")
    by_url.make_root()
    by_url.write(f"{by_url.root}/trials/x.parquet", b"1")
    assert by_path.shards("trials") == [f"{tmp_path}/s/trials/x.parquet"]


def test_a_file_is_shown_as_what_opens_it(memory, tmp_path) -> None:
    assert memory.shown(memory.picture_file) == "mock://bucket/study/region.png"
    for place in (tmp_path / "s", f"file://{tmp_path}/s"):
        local = locate(place)
        assert local.shown(local.picture_file) == f"{tmp_path}/s/region.png"


def test_logs_lie_in_the_study_or_where_the_search_runs(memory, tmp_path, monkeypatch) -> None:
    assert locate(tmp_path / "s").log_folder("mlflow") == f"{tmp_path}/s/mlflow"
    monkeypatch.chdir(tmp_path)
    assert memory.log_folder("tensorboard") == f"{tmp_path}/logs/study/tensorboard"


def test_a_relative_path_holds_when_the_process_moves(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = pickle.loads(pickle.dumps(locate("s")))
    monkeypatch.chdir("/")
    place.create(place.study_file, b"{}")
    assert (tmp_path / "s" / "study.json").read_bytes() == b"{}"


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("", "empty"),
        ("ftp://host/study", r"cannot open ftp://host/study: .*s3://"),
        ("nonsense://host/study", "cannot open nonsense://host/study"),
        ("file://", "cannot open"),
        ("a\0b", "cannot open"),
    ],
)
def test_a_place_that_cannot_be_opened(place: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        locate(place)
    assert "\n" not in str(caught.value)


def test_google_storage_without_credentials_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    with pytest.raises(UserError, match=r"cannot open gs://bucket/study: .*/nowhere\.json"):
        locate("gs://bucket/study")


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("s3://bucket/a", "s3://bucket/a?allow_delayed_open=true"),
        ("s3://bucket/a?region=x", "s3://bucket/a?region=x&allow_delayed_open=true"),
        ("gs://bucket/a", "gs://bucket/a?retry_limit_seconds=30"),
        ("gs://bucket/a?retry_limit_seconds=5", "gs://bucket/a?retry_limit_seconds=5"),
        ("file:///a", "file:///a"),
    ],
)
def test_what_a_url_does_not_say_is_set(url: str, opened: str) -> None:
    assert module._with_options(url) == opened


def test_a_file_is_no_study(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file, and a study is a folder"):
        locate(tmp_path / "file")


@pytest.mark.parametrize("operation", ["write", "create"])
def test_a_place_under_a_file_cannot_be_written(tmp_path, operation: str) -> None:
    (tmp_path / "file").write_text("kept")
    place = locate(tmp_path / "file" / "study")
    with pytest.raises(UserError, match="cannot write to") as caught:
        getattr(place, operation)(place.study_file, b"")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    place = locate(tmp_path)
    place.write(place.study_file, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"No space left.*free some space"):
        place.write(place.study_file, b"new")
    assert os.listdir(tmp_path) == ["study.json"]
    assert place.read(place.study_file) == b"old"


def test_creating_never_replaces(tmp_path) -> None:
    place = locate(tmp_path)
    assert place.create(place.study_file, b"first")
    assert not place.create(place.study_file, b"second")
    assert place.read(place.study_file) == b"first"
    assert os.listdir(tmp_path) == ["study.json"]


def test_creating_where_there_are_no_hard_links(tmp_path, monkeypatch) -> None:
    def unsupported(_source: str, _target: str) -> None:
        raise OSError(errno.EPERM, "no links")

    monkeypatch.setattr(os, "link", unsupported)
    place = locate(tmp_path)
    assert place.create(place.study_file, b"first")
    assert os.listdir(tmp_path) == ["study.json"]


@pytest.mark.parametrize("stores", [(), ("mock",)])
def test_other_filesystems(memory: Location, monkeypatch, stores: tuple[str, ...]) -> None:
    monkeypatch.setattr(module, "_OBJECT_STORES", stores)
    if stores:  # Keys of an object store need no folder; the in-memory one does.
        memory.filesystem.create_dir("bucket/study/trials")
    path = memory.shard("trials", "t", "u")
    memory.write(path, b"old")
    memory.write(path, b"new")
    assert memory.read(path) == b"new"
    assert memory.shards("trials") == [path]
    memory.delete(path)
    memory.delete(path)
    assert memory.read(path) is None
    assert not memory.exists(path)


def test_only_whole_files_are_shards(tmp_path) -> None:
    place = locate(tmp_path)
    (tmp_path / "trials" / "folder.parquet").mkdir(parents=True)
    for name in ("a.parquet", ".a.parquet.0.tmp", ".hidden.parquet", "_metadata.parquet", "notes.txt"):
        (tmp_path / "trials" / name).write_text("")
    assert place.shards("trials") == [f"{tmp_path}/trials/a.parquet"]
    assert place.shards("curves") == []


def test_shards_are_listed_oldest_first(tmp_path) -> None:
    place = locate(tmp_path)
    for age, name in enumerate("cab"):
        place.write(place.shard("trials", name, "u"), b"")
        os.utime(place.shard("trials", name, "u"), (1000 - age, 1000 - age))
    assert [path[-11] for path in place.shards("trials")] == ["b", "a", "c"]
