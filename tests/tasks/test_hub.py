"""The hub, played by a function, by a cache on disk, and by an address where nothing answers."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from datasets import logging as datasets_logging
from huggingface_hub.utils import logging as hub_logging

from tune_stability.data_source import DataSource
from tune_stability.errors import UserError
from tune_stability.tasks import hub, load_task
from tune_stability.tasks.catalog import CATALOG


def split(name: str, labels: list, kind: Any) -> Dataset:
    columns = CATALOG[name].text_columns
    texts = {column: [f"{column} {i}" for i in range(len(labels))] for column in columns}
    features = Features({**dict.fromkeys(columns, Value("string")), "label": kind})
    return Dataset.from_dict({**texts, "label": labels}, features=features)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hub whose address refuses connections, and an empty cache."""
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.mark.parametrize(
    ("name", "hub_id", "configuration", "splits"),
    [
        ("cola", "nyu-mll/glue", "cola", ["train", "validation"]),
        ("mnli", "nyu-mll/glue", "mnli", ["train", "validation_matched"]),
        ("scitail", "allenai/scitail", "tsv_format", ["train", "validation"]),
    ],
)
def test_what_is_asked_of_the_hub_and_what_becomes_of_it(
    monkeypatch: pytest.MonkeyPatch, name: str, hub_id: str, configuration: str, splits: list[str]
) -> None:
    asked = []
    kind = Value("string") if name == "scitail" else ClassLabel(num_classes=3 if name == "mnli" else 2)
    labels: list = {"scitail": ["neutral", "entails"], "mnli": [2, 0, 1]}.get(name, [1, 0])

    def load_dataset(*arguments: object, **options: object) -> list[Dataset]:
        asked.append((*arguments, options))
        return [split(name, [*labels, -1] if name == "cola" else labels, kind), split(name, labels, kind)]

    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    task = load_task(name)
    assert asked == [(hub_id, configuration, {"split": splits})]
    expected = {"scitail": [1, 0], "mnli": [2, 0, 1]}.get(name, [1, 0])
    assert task.train["label"][:] == task.validation["label"][:] == expected
    first = CATALOG[name].text_columns[0]
    assert task.validation[first][:] == [f"{first} {i}" for i in range(len(labels))]


def test_the_cache_is_asked_before_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load_dataset(*_: object, **__: object) -> list[Dataset]:
        asked.append("cache" if datasets.config.HF_HUB_OFFLINE else "hub")
        if asked[-1] == "cache":
            raise ConnectionError("not there")
        return [split("rte", [0, 1], Value("int64"))] * 2

    class Api:
        def __init__(self, **_: object) -> None:
            pass

        def dataset_info(self, hub_id: str, timeout: float) -> None:
            asked.append((hub_id, timeout))

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    monkeypatch.setattr(hub, "HfApi", Api)
    assert len(load_task("rte").train) == 2
    assert asked == ["cache", ("nyu-mll/glue", hub.ANSWER_SECONDS), "hub"]
    # What was set for the look into the cache is set back.
    assert datasets.config.HF_HUB_OFFLINE is False


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["rte", "scitail"])
def test_without_a_network_one_line_says_where_it_was_looked_for(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.perf_counter()
    with caplog.at_level(logging.WARNING), pytest.raises(UserError) as caught:
        load_task(name)
    assert time.perf_counter() - started < hub.ANSWER_SECONDS
    message = str(caught.value)
    assert message.startswith(f"the task {name!r} is neither to be had from the hub as {CATALOG[name].hub_id} (")
    assert f"nor in the hub's local cache {str(tmp_path / 'cache')!r}; give a folder that has " in message
    assert message.endswith(f"{name}/train-*.parquet and {name}/validation-*.parquet with --data-dir.")
    assert "\n" not in message
    # What the libraries would say on their tries is not a line for anyone.
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


@pytest.mark.usefixtures("no_network")
def test_without_a_network_the_cache_serves(tmp_path: Path) -> None:
    # `datasets` keeps what it has downloaded as Arrow files beside a description.
    source = {}
    for name in ("train", "validation"):
        source[name] = str(tmp_path / f"{name}.jsonl")
        lines = [{"sentence1": f"{name} {i}", "sentence2": "b", "label": i % 2} for i in range(4)]
        Path(source[name]).write_text("\n".join(json.dumps(line) for line in lines))
    with hub._quiet():
        datasets.load_dataset("json", data_files=source, cache_dir=str(tmp_path / "made"))
    made = next((tmp_path / "made").rglob("dataset_info.json")).parent
    kept = tmp_path / "cache" / "nyu-mll___glue" / "rte" / "0.0.0" / "abc"
    kept.mkdir(parents=True)
    description = json.loads((made / "dataset_info.json").read_text())
    (kept / "dataset_info.json").write_text(
        json.dumps({**description, "config_name": "rte", "dataset_name": "glue", "builder_name": "parquet"})
    )
    for name in source:
        shutil.copy(made / f"json-{name}.arrow", kept / f"glue-{name}.arrow")
    task = load_task("rte")
    assert (task.train["sentence1"][0], task.validation["label"][:]) == ("train 0", [0, 1, 0, 1])
    # Another task of the same data set is not in it.
    with pytest.raises(UserError, match=r"^the task 'mrpc' is neither"):
        load_task("mrpc")


@pytest.mark.usefixtures("no_network")
def test_the_libraries_are_silent_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def talk() -> tuple:
        return datasets_logging.get_verbosity(), hub_logging.get_verbosity(), datasets.are_progress_bars_disabled()

    heard = []

    def load_dataset(*_: object, **__: object) -> None:
        heard.append(talk())
        raise ValueError("not there")

    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    datasets.enable_progress_bars()
    before = talk()
    with pytest.raises(UserError):
        load_task("qnli")
    assert heard == [(logging.ERROR, logging.ERROR, True)]
    assert talk() == before != heard[0]


@pytest.mark.usefixtures("no_network")
def test_a_folder_needs_no_hub(glue_folder: Callable[..., Path]) -> None:
    rows = {"sentence": ["a", "b"], "label": [0, 1]}
    folder = glue_folder("cola", train=rows, validation=rows)
    assert len(load_task("cola", DataSource(data_dir=str(folder))).train) == 2
