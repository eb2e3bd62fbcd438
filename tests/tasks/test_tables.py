"""Files as people have them: quotes, tabs, empty fields, other encodings, and what is no table at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from tune_stability.errors import UserError
from tune_stability.tasks.tables import FORMATS, read_file


def file(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"text,label\na,1\nb,0\n", {"text": ["a", "b"], "label": ["1", "0"]}),
        ("a.CSV", b"text,label\r\na,1\r\n", {"text": ["a"], "label": ["1"]}),
        # A byte order mark, as spreadsheets write it, is no part of the first name.
        ("a.csv", b"\xef\xbb\xbftext,label\na,1\n", {"text": ["a"], "label": ["1"]}),
        # Quotes as in RFC 4180: a comma, a quote and a line's end inside a field.
        ("a.csv", b'text,label\n"a ""b"", c",1\n"d\ne",0\n', {"text": ['a "b", c', "d\ne"], "label": ["1", "0"]}),
        # Words are not taken for missing values, nor numbers for numbers; an empty field is missing, "" is empty.
        ("a.csv", b'text,label\nNA,1\nnull,\n007,0\n,1\n"",0\n', {"text": ["NA", "null", "007", None, ""]}),
        # GLUE's own files: a quote in TSV is a character, also one that never closes.
        ("a.tsv", b'text\tlabel\n"He said\t1\nit is "so" "\t0\n', {"text": ['"He said', 'it is "so" "']}),
        ("a.tsv", "text\tlabel\nça va, là\t1\n".encode(), {"text": ["ça va, là"]}),
        ("a.jsonl", b'{"text": "a\\nb", "label": 1}\n\n{"text": "c"}\n', {"text": ["a\nb", "c"], "label": [1, None]}),
        ("a.jsonl", b'{"label": "no", "text": "\xc3\xa9"}', {"label": ["no"], "text": ["é"]}),
        # A header alone is a table without rows; that it is empty, the checks say.
        ("a.csv", b"text,label\n", {"text": [], "label": []}),
    ],
)
def test_what_files_hold(tmp_path: Path, name: str, content: bytes, expected: dict) -> None:
    path = file(tmp_path, name, content)
    got = read_file(path)
    assert got.origin == path
    columns = got.table.to_pydict()
    assert {column: columns[column] for column in expected} == expected


def test_a_column_has_one_type_over_a_long_file(tmp_path: Path) -> None:
    # Readers that look at the first megabyte alone would take the labels for numbers, or a line's end for a row's.
    rows = b"".join(b'{"text": "%d %s", "label": %s}\n' % (i, b"x" * 100, b"1") for i in range(15_000))
    got = read_file(file(tmp_path, "a.jsonl", rows + b'{"text": "last", "label": null}\n')).table
    assert (got.num_rows, got.column("label").null_count) == (15_001, 1)
    rows = b"".join(b'"%d %s",1\n' % (i, b"x\n" * 50) for i in range(15_000))
    got = read_file(file(tmp_path, "a.csv", b"text,label\n" + rows + b"last,maybe\n")).table
    assert (got.num_rows, got.column("label")[-1].as_py()) == (15_001, "maybe")


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", None], "label": pa.array([1, 0], pa.int8())})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read_file(str(tmp_path / "a.parquet")).table.equals(table)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", b"", "Empty CSV file"),
        ("a.jsonl", b"", "Empty JSON file"),
        ("a.parquet", b"", "Parquet"),
        ("a.parquet", b"PAR1 and then nothing", "Parquet"),
        ("a.csv", b"text,label\na,1\nb,2,3\n", "Expected 2 columns, got 3: b,2,3"),
        ("a.tsv", b"text\tlabel\na\n", "Expected 2 columns, got 1: a"),
        ("a.csv", b'text,label\n"never closed,1\nb,0\n', "Expected 2 columns, got 1"),
        ("a.csv", b"text,label\n\xff\xfe,1\n", "UTF8"),
        ("a.csv", "text,label\nä,1\n".encode("utf-16"), "Expected 2 columns"),
        ("a.jsonl", b"not json\n", "JSON parse error"),
        ("a.jsonl", b'[{"text": "a", "label": 1}]', "from object to array"),
        ("a.jsonl", b'{"text": "a", "label": 1}\n{"text": "b", "label": "x"}\n', "from number to string"),
        ("a.jsonl", b'{"text": "a\xff", "label": 1}\n', "UTF8"),
        ("a.jsonl", b'{"text": "\\ud800", "label": 1}\n', "surrogate"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    path = file(tmp_path, name, content)
    with pytest.raises(UserError) as caught:
        read_file(path)
    assert str(caught.value).startswith(f"{path} cannot be read as {path.rsplit('.', 1)[1]} (")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_of_no_known_format(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^no file at '.*gone\.csv'; give a file of rows"):
        read_file(str(tmp_path / "gone.csv"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UserError, match=r"^no file at "):
        read_file(str(tmp_path / "folder.csv"))
    for name in ("rows.pkl", "rows.xlsx", "rows"):
        with pytest.raises(UserError, match=r"must end in one of \.csv, \.tsv, \.jsonl, \.parquet; convert"):
            read_file(file(tmp_path, name, b"text,label\na,1\n"))
    assert FORMATS == (".csv", ".tsv", ".jsonl", ".parquet")
