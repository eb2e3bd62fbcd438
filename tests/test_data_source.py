from __future__ import annotations

from pathlib import Path

import pytest

from tune_stability.data_source import absolute, own_files, task_name
from tune_stability.errors import UserError


@pytest.mark.parametrize(
    ("task", "files", "name"),
    [
        ("file:train.tsv,dev.tsv", ("train.tsv", "dev.tsv"), "file:train.tsv,dev.tsv"),
        ("file:data/a.csv, other/b.csv", ("data/a.csv", "other/b.csv"), "file:a.csv,b.csv"),
        ("file:../up.csv,./here.csv", ("../up.csv", "here.csv"), "file:up.csv,here.csv"),
        ("file:x/data.csv,y/data.csv", ("x/data.csv", "y/data.csv"), "file:data.csv,data.csv"),
        ("rte", (), "rte"),
        ("files", (), "files"),
        ("org/anything", (), "org/anything"),
    ],
)
def test_files_are_absolute_and_names_are_not(
    task: str, files: tuple, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert own_files(task) == tuple(str((here / path).resolve()) for path in files)
    assert task_name(task) == name


def test_where_a_file_is_does_not_change_the_name() -> None:
    assert task_name("file:/a/train.tsv,/b/c/dev.tsv") == task_name("file:train.tsv,dev.tsv")
    assert own_files("file:/a/train.tsv,/b/c/dev.tsv") == ("/a/train.tsv", "/b/c/dev.tsv")


@pytest.mark.parametrize("task", ["file:", "file:a.csv", "file:a.csv,", "file:,a.csv", "file:a,b,c", "file: , "])
def test_other_numbers_of_files_are_refused(task: str) -> None:
    for read in (own_files, task_name):
        with pytest.raises(UserError) as caught:
            read(task)
        assert str(caught.value) == (
            f"--task file:TRAIN,VALIDATION takes two files, received {task!r}; "
            "give the training file, a comma, and the validation file."
        )


def test_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert absolute("~/glue/") == "/home/someone/glue"
    assert absolute("/glue/../data") == "/data"
