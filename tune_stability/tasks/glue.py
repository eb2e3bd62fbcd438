"""The classification tasks of GLUE (Wang et al. 2019), from the hub or from a folder laid out like `nyu-mll/glue`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import ClassLabel, load_dataset
from datasets.utils.logging import disable_progress_bar

from tune_stability.data_source import DataSource
from tune_stability.errors import UserError
from tune_stability.tasks.task import Task

HUB_ID = "nyu-mll/glue"


@dataclass(frozen=True)
class GlueEntry:
    """Columns of text, the metric that is usual for the task, and the split that is its validation set."""

    text_columns: tuple[str, ...]
    metric: str
    validation: str = "validation"


GLUE = {
    "cola": GlueEntry(("sentence",), "matthews_correlation"),
    "sst2": GlueEntry(("sentence",), "accuracy"),
    "mrpc": GlueEntry(("sentence1", "sentence2"), "f1"),
    "qqp": GlueEntry(("question1", "question2"), "f1"),
    "mnli": GlueEntry(("premise", "hypothesis"), "accuracy", "validation_matched"),
    "qnli": GlueEntry(("question", "sentence"), "accuracy"),
    "rte": GlueEntry(("sentence1", "sentence2"), "accuracy"),
    "wnli": GlueEntry(("sentence1", "sentence2"), "accuracy"),
}


def load_glue(name: str, data: DataSource) -> Task:
    """The task `name` of `GLUE`. Raises `UserError` if its files are not to be had."""
    entry = GLUE[name]
    disable_progress_bar()
    splits = {"train": "train", "validation": entry.validation}
    loaded = {split: _load(name, source, data) for split, source in splits.items()}
    labels = ClassLabel(num_classes=int(max(loaded["train"]["label"])) + 1)
    loaded = {split: rows.cast_column("label", labels) for split, rows in loaded.items()}
    return Task(name, data.metric or entry.metric, entry.text_columns, loaded["train"], loaded["validation"])


def _load(name: str, split: str, data: DataSource) -> Any:
    if data.data_dir is None:
        return load_dataset(HUB_ID, name, split=split)
    files = sorted(str(path) for path in Path(data.data_dir, name).glob(f"{split}-*.parquet"))
    if not files:
        raise UserError(f"no {split}-*.parquet in {str(Path(data.data_dir, name))!r}; give a --data-dir that has them.")
    return load_dataset("parquet", data_files={split: files}, split=split)
