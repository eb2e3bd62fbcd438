from __future__ import annotations

from pathlib import Path

import pytest

from tune_stability.errors import UserError
from tune_stability.exports.target import new_place


def test_a_file_is_there_as_a_whole_in_the_end_and_nothing_else(tmp_path: Path) -> None:
    with new_place(str(tmp_path / "new" / "a b.csv")) as path:
        assert path.name == "a b.csv"
        path.write_text("x")
        assert not (tmp_path / "new" / "a b.csv").exists()
    assert [found.name for found in (tmp_path / "new").iterdir()] == ["a b.csv"]
    assert (tmp_path / "new" / "a b.csv").read_text() == "x"


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def half_of_it() -> None:
        with new_place(str(tmp_path / "a")) as path:
            path.mkdir()
            (path / "half").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_of_it()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("", "goes to a local path, received ''"),
        ("s3://bucket/x.csv", "goes to a local path, received 's3://bucket/x.csv'"),
        ("{tmp}/file", "there is something at .* an export overwrites nothing"),
        ("{tmp}/folder", "there is something at .* an export overwrites nothing"),
        ("{tmp}/dangling", "there is something at .* an export overwrites nothing"),
        ("{tmp}/file/below", "cannot write to .*: (Not a directory|File exists)"),
    ],
)
def test_what_is_there_stays(tmp_path: Path, out: str, words: str) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match=words) as caught, new_place(out.format(tmp=tmp_path)):
        raise AssertionError("never entered")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "kept"
    assert len(list(tmp_path.iterdir())) == 3
