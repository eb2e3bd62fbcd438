"""Every published task, from small files laid out as the hub's are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from tune_stability.data_source import DataSource
from tune_stability.errors import UserError
from tune_stability.tasks import load_task
from tune_stability.tasks.catalog import CATALOG

# As in the data sets' cards: columns of text, number of classes, the paper's or GLUE's metric, the validation split.
TASKS = {
    "cola": (("sentence",), 2, "matthews_correlation", "validation"),
    "sst2": (("sentence",), 2, "accuracy", "validation"),
    "mrpc": (("sentence1", "sentence2"), 2, "f1", "validation"),
    "qqp": (("question1", "question2"), 2, "f1", "validation"),
    "mnli": (("premise", "hypothesis"), 3, "accuracy", "validation_matched"),
    "qnli": (("question", "sentence"), 2, "accuracy", "validation"),
    "rte": (("sentence1", "sentence2"), 2, "accuracy", "validation"),
    "wnli": (("sentence1", "sentence2"), 2, "accuracy", "validation"),
    "scitail": (("premise", "hypothesis"), 2, "accuracy", "validation"),
}
SCITAIL = ["entails", "neutral"]


def rows(task: str, labels: list, mark: str) -> dict[str, list]:
    columns = TASKS[task][0]
    texts = {column: [f"{mark} {column} {i}" for i in range(len(labels))] for column in columns}
    return {**texts, "label": labels, "idx": list(range(len(labels)))}


def splits(task: str) -> dict[str, dict[str, list]]:
    """A training set, the validation set, and the splits that must not be read."""
    names: list = SCITAIL if task == "scitail" else list(range(TASKS[task][1]))
    return {
        "train": rows(task, names * 3, "train"),
        TASKS[task][3]: rows(task, [names[-1], *names], "validation"),
        **({"validation_mismatched": rows(task, names, "mismatched")} if task == "mnli" else {}),
        "test": rows(task, [-1, -1], "test"),
    }


@pytest.mark.parametrize("name", TASKS)
def test_a_folder_laid_out_like_glue(glue_folder: Callable[..., Path], name: str) -> None:
    columns, num_labels, metric, _ = TASKS[name]
    task = load_task(name, DataSource(data_dir=str(glue_folder(name, **splits(name)))))
    assert (task.name, task.text_columns, task.metric, task.num_labels) == (name, columns, metric, num_labels)
    assert task.train["label"][:] == list(range(num_labels)) * 3
    assert task.validation["label"][:] == [num_labels - 1, *range(num_labels)]
    for column in columns:
        assert task.train[column][0] == f"train {column} 0"
        assert task.validation[column][:] == [f"validation {column} {i}" for i in range(num_labels + 1)]


def test_the_catalog_is_whole() -> None:
    assert CATALOG.keys() == TASKS.keys()


def test_the_metric_may_be_another(glue_folder: Callable[..., Path]) -> None:
    folder = str(glue_folder("mrpc", **splits("mrpc")))
    usual, other = (load_task("mrpc", DataSource(data_dir=folder, metric=m)) for m in (None, "accuracy"))
    assert (usual.metric, other.metric) == ("f1", "accuracy")
    assert usual.fingerprint != other.fingerprint
    # Labels 1, 0, 1: of always saying 1 the precision is 2/3 and the recall 1.
    assert (usual.majority_score(), other.majority_score()) == (pytest.approx(0.8), pytest.approx(2 / 3))
    three = DataSource(data_dir=str(glue_folder("mnli", **splits("mnli"))), metric="f1")
    with pytest.raises(UserError, match=r"^the metric f1 is for two classes, the task has 3; "):
        load_task("mnli", three)


def test_rows_without_a_label_are_never_used(glue_folder: Callable[..., Path]) -> None:
    folder = glue_folder("rte", train=rows("rte", [0, -1, 1], "t"), validation=rows("rte", [-1, 1, 0], "v"))
    task = load_task("rte", DataSource(data_dir=str(folder)))
    assert (task.train["label"][:], task.train["sentence1"][:]) == ([0, 1], ["t sentence1 0", "t sentence1 2"])
    assert task.num_labels == 2
    glue_folder("rte", validation=rows("rte", [-1, -1], "v"))
    with pytest.raises(UserError, match=r"validation-00000-of-00001\.parquet is empty: it has no row with a label"):
        load_task("rte", DataSource(data_dir=str(folder)))


def test_a_split_in_several_files_is_read_in_their_order(glue_folder: Callable[..., Path], tmp_path: Path) -> None:
    folder = glue_folder("cola", **splits("cola"))
    whole = load_task("cola", DataSource(data_dir=str(folder)))
    train = folder / "cola" / "train-00000-of-00001.parquet"
    table = pyarrow.parquet.read_table(train)
    train.unlink()
    pyarrow.parquet.write_table(table.slice(0, 4), folder / "cola" / "train-00000-of-00002.parquet")
    pyarrow.parquet.write_table(table.slice(4), folder / "cola" / "train-00001-of-00002.parquet")
    assert load_task("cola", DataSource(data_dir=str(folder))).fingerprint == whole.fingerprint
    other = pa.table({"sentence": ["x"], "label": ["0"]})
    pyarrow.parquet.write_table(other, folder / "cola" / "train-00001-of-00002.parquet")
    with pytest.raises(UserError, match=r"^train-\*\.parquet in .* do not have the same columns; mend them\.$"):
        load_task("cola", DataSource(data_dir=str(folder)))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_files_of_other_formats_hold_the_same_task(glue_folder: Callable[..., Path], suffix: str) -> None:
    folder = glue_folder("wnli", **splits("wnli"))
    parquet = load_task("wnli", DataSource(data_dir=str(folder)))
    for split in ("train", "validation"):
        path = folder / "wnli" / f"{split}-00000-of-00001.parquet"
        table = pyarrow.parquet.read_table(path).to_pylist()
        path.unlink()
        sign = {".csv": ",", ".tsv": "\t"}.get(suffix)
        if sign is None:
            lines = [json.dumps(row) for row in table]
        else:
            lines = [sign.join(table[0]), *(sign.join(str(value) for value in row.values()) for row in table)]
        (folder / "wnli" / f"{split}{suffix}").write_text("\n".join(lines) + "\n")
    assert load_task("wnli", DataSource(data_dir=str(folder))).fingerprint == parquet.fingerprint


def test_two_files_for_one_split_are_refused(glue_folder: Callable[..., Path]) -> None:
    folder = glue_folder("cola")
    (folder / "cola" / "train.csv").write_text("sentence,label\na,0\n")
    (folder / "cola" / "train.tsv").write_text("sentence\tlabel\na\t0\n")
    with pytest.raises(UserError, match=r"has train\.csv and train\.tsv; leave one of them there\.$"):
        load_task("cola", DataSource(data_dir=str(folder)))


@pytest.mark.parametrize(
    ("present", "missing"),
    [((), "train"), (("train",), "validation_matched"), (("train", "validation"), "validation_")],
)
def test_what_is_not_there_is_named(glue_folder: Callable[..., Path], present: tuple, missing: str) -> None:
    folder = glue_folder("mnli", **{split: rows("mnli", [0, 1, 2], "x") for split in present})
    with pytest.raises(UserError) as caught:
        load_task("mnli", DataSource(data_dir=str(folder)))
    assert re.match(
        rf"no {missing}\w*-\*\.parquet and no {missing}\w* of \.csv, .* in '.*/glue/mnli'; give a --data-dir that has "
        r"them in its folder mnli\.$",
        str(caught.value),
    )


def test_another_layout_of_columns_is_named(glue_folder: Callable[..., Path]) -> None:
    folder = glue_folder("rte", train=rows("cola", [0, 1], "x"), validation=rows("rte", [0, 1], "x"))
    with pytest.raises(UserError, match=r"has no column 'sentence1'; it has 'sentence', 'label', 'idx'\.$"):
        load_task("rte", DataSource(data_dir=str(folder)))
