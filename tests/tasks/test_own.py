"""Tasks of one's own files: which columns are read, and which names say too little."""

from __future__ import annotations

from pathlib import Path

import pytest

from tune_stability.data_source import DataSource, own_files
from tune_stability.errors import UserError
from tune_stability.tasks import load_task
from tune_stability.tasks.task import Task

TWO = 'label,text\nno,"a, b"\nyes,c\n'


def write(folder: Path, train: str, validation: str | None = None, suffix: str = ".csv") -> str:
    for name, content in (("train", train), ("dev", train if validation is None else validation)):
        (folder / f"{name}{suffix}").write_text(content)
    return f"file:{folder}/train{suffix},{folder}/dev{suffix}"


def load(task: str, **columns: object) -> Task:
    return load_task("file:train,dev", DataSource(files=own_files(task), **columns))


@pytest.mark.parametrize(
    ("header", "given", "expected"),
    [
        ("text,label", {}, ("text",)),
        # The one column beside the labels, whatever its name.
        ("review,label", {}, ("review",)),
        ("label,review", {}, ("review",)),
        ("stars,review", {"label_column": "stars"}, ("review",)),
        ("sentence1,sentence2,label", {}, ("sentence1", "sentence2")),
        ("sentence2,idx,label,sentence1", {}, ("sentence1", "sentence2")),
        ("idx,sentence,label", {}, ("sentence",)),
        ("idx,sentence,text,label", {}, ("text",)),
        ("a,b,label", {"text_columns": ("b", "a")}, ("b", "a")),
        ("a,b,c,d", {"text_columns": ("d",), "label_column": "b"}, ("d",)),
        # Another column of the name `label` is none of the task's.
        ("label,stars,text", {"label_column": "stars"}, ("text",)),
    ],
)
def test_columns(tmp_path: Path, header: str, given: dict, expected: tuple) -> None:
    names = header.split(",")
    label = given.get("label_column", "label")
    lines = [",".join(str(row) if name == label else f"{name} {row}" for name in names) for row in (1, 0, 1)]
    task = load(write(tmp_path, "\n".join([header, *lines])), **given)
    assert task.text_columns == expected
    assert {name: task.train[name][:] for name in expected} == {
        name: [f"{name} {i}" for i in (1, 0, 1)] for name in expected
    }
    assert task.train["label"][:] == [1, 0, 1]


@pytest.mark.parametrize(
    ("header", "given", "words"),
    [
        ("a,b,label", {}, "train.csv has the columns a, b beside the labels, and which hold the texts is not known; "),
        ("a,sentence1,label", {}, "train.csv has the columns a, sentence1 beside the labels"),
        ("label", {}, "train.csv has the columns none beside the labels, and which hold the texts is not known; name"),
        ("text,stars", {}, "train.csv has no column 'label'; it has 'text', 'stars'."),
        ("text,label", {"label_column": "lable"}, "train.csv has no column 'lable'; it has 'text', 'label'."),
        ("text,label", {"text_columns": ("txt",)}, "train.csv has no column 'txt'; it has 'text', 'label'."),
        ("a,b,c,label", {"text_columns": ("a", "b", "c")}, "one or two columns other than label, received a,b,c."),
        ("a,b,label", {"text_columns": ("a", "a")}, "one or two columns other than label, received a,a."),
        ("a,label", {"text_columns": ("a", "label")}, "one or two columns other than label, received a,label."),
        # Within a task the labels go by this name.
        (
            "a,label",
            {"text_columns": ("label",), "label_column": "a"},
            "--text-columns takes one or two columns other than a and label, received label.",
        ),
        ("label,stars", {"label_column": "stars"}, "other than label and stars, received label."),
    ],
)
def test_columns_that_are_not_there_or_not_clear(tmp_path: Path, header: str, given: dict, words: str) -> None:
    line = ",".join("1" for _ in header.split(","))
    with pytest.raises(UserError) as caught:
        load(write(tmp_path, f"{header}\n{line}\n"), **given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".csv", TWO),
        (".tsv", "label\ttext\nno\ta, b\nyes\tc\n"),
        (".jsonl", '{"label": "no", "text": "a, b"}\n{"label": "yes", "text": "c"}\n'),
    ],
)
def test_the_formats_hold_the_same_task(tmp_path: Path, suffix: str, content: str) -> None:
    task = load(write(tmp_path, content, suffix=suffix))
    assert (task.train["text"][:], task.train["label"][:]) == (["a, b", "c"], [0, 1])
    assert task.train.features["label"].names == ["no", "yes"]
    assert task.fingerprint == load(write(tmp_path, TWO)).fingerprint


def test_it_is_judged_by_accuracy_unless_told_otherwise(tmp_path: Path) -> None:
    name = write(tmp_path, TWO, "label,text\nyes,x\nyes,y\nno,z\n")
    assert (load(name).metric, load(name).majority_score()) == ("accuracy", pytest.approx(2 / 3))
    # The second class in sorted order, `yes`, is label 1: precision 2/3, recall 1.
    assert load(name, metric="f1").majority_score() == pytest.approx(0.8)
    assert load(name, metric="accuracy_and_f1").majority_score() == pytest.approx((2 / 3 + 0.8) / 2)
    assert load(name, metric="matthews_correlation").majority_score() == 0.0


def test_the_fingerprint_is_of_the_rows_and_not_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here, there = (load(write(tmp_path / name, TWO)) for name in ("here", "there"))
    assert here.fingerprint == there.fingerprint
    assert load(write(tmp_path, TWO, TWO + "no,d\n")).fingerprint != here.fingerprint


def test_files_may_also_be_named_by_the_task_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, TWO)
    monkeypatch.chdir(tmp_path)
    assert len(load_task("file:train.csv,dev.csv").train) == 2


@pytest.mark.parametrize(
    ("validation", "words"),
    [
        (
            "label,text\nmaybe,a\nno,b\n",
            "dev.csv has the label 'maybe', which the training set lacks; it has 'no', 'yes'",
        ),
        ("label,text\n", "dev.csv is empty"),
        ("", "dev.csv cannot be read as csv (Empty CSV file); mend or convert it."),
        ("label,txt\nno,a\nyes,b\n", "dev.csv has no column 'text'; it has 'label', 'txt'."),
        ("label,text\nno,a\n,b\n", "dev.csv has nothing in the column 'label' in 1 of 2 rows, the first is row 2"),
        ("label,text\nno,a\nyes,\n", "dev.csv has nothing in the column 'text' in 1 of 2 rows, the first is row 2"),
    ],
)
def test_what_is_wrong_with_a_file_names_the_file(tmp_path: Path, validation: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        load(write(tmp_path, TWO, validation))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
