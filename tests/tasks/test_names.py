from __future__ import annotations

import pytest

from tune_stability.data_source import DataSource
from tune_stability.errors import UserError
from tune_stability.tasks import TASK_NAMES, load_task
from tune_stability.tasks.task import Task


@pytest.fixture(scope="module")
def grammar() -> Task:
    return load_task("grammar")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("gramar", "did you mean 'grammar'?"),
        ("colla", "did you mean 'cola'?"),
        ("sst-2", "did you mean 'sst2'?"),
        ("MRPC", "Allowed: cola, file:TRAIN,VALIDATION, grammar, mnli, mrpc, qnli, qqp, rte, scitail, sst2, wnli."),
        ("", "Allowed"),
    ],
)
def test_an_unknown_task_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(UserError, match=r"^unknown task ") as caught:
        load_task(name)
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_regression_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        load_task("stsb", DataSource(data_dir="anywhere"))
    assert str(caught.value) == (
        f"the task 'stsb' is a regression and has no classes; take one of {', '.join(TASK_NAMES)}."
    )


def test_the_embedded_task_loads_under_its_name(grammar: Task) -> None:
    assert "grammar" in TASK_NAMES
    assert grammar.name == "grammar"
    # Stored studies have it.
    assert grammar.fingerprint == "90c3c6a8edac"


def test_any_task_may_have_another_metric(grammar: Task) -> None:
    other = load_task("grammar", DataSource(metric="f1"))
    assert (grammar.metric, other.metric) == ("matthews_correlation", "f1")
    assert other.fingerprint != grammar.fingerprint
    assert other.train is not grammar.train
    assert other.train["label"][:] == grammar.train["label"][:]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("grammar", {"metric": "acuracy"}, "unknown metric 'acuracy'; did you mean 'accuracy'?"),
        ("rte", {"metric": "rouge"}, "unknown metric 'rouge'. Allowed: accuracy, accuracy_and_f1, f1, matthews_correl"),
        ("grammar", {"data_dir": "/data"}, "--data-dir is for the tasks cola, sst2, "),
        ("file:a.csv,b.csv", {"data_dir": "/data"}, "received '/data' with 'file:a.csv,b.csv'; leave it out."),
        (
            "grammar",
            {"text_columns": ("a",)},
            "--text-columns and --label-column are for --task file:TRAIN,VALIDATION,",
        ),
        ("rte", {"label_column": "y"}, "received them with 'rte', whose columns are known; leave them out."),
        ("file:a.csv", {}, "--task file:TRAIN,VALIDATION takes two files, received 'file:a.csv'; "),
        ("file:no.csv,none.csv", {}, "no file at "),
    ],
)
def test_what_does_not_go_together(name: str, data: dict, words: str) -> None:
    with pytest.raises(UserError) as caught:
        load_task(name, DataSource(**data))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_data_that_have_changed_are_refused(grammar: Task) -> None:
    assert load_task("grammar", None, grammar.fingerprint).fingerprint == grammar.fingerprint
    with pytest.raises(
        UserError,
        match=r"^the data of the task 'grammar' have the fingerprint 90c3c6a8edac here, expected 123; put the files ba",
    ):
        load_task("grammar", None, "123")
