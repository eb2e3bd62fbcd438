from __future__ import annotations

import math

import pytest
from datasets import ClassLabel, Dataset, Value

from tune_stability.tasks import load_task
from tune_stability.tasks.grammar import load_grammar
from tune_stability.tasks.language import is_sentence
from tune_stability.tasks.task import Task


@pytest.fixture(scope="module")
def task() -> Task:
    return load_task("grammar")


def texts(task: Task) -> list[str]:
    return [*task.train["sentence"], *task.validation["sentence"]]


def test_it_is_the_task_it_has_always_been(task: Task) -> None:
    # Every trial id holds this fingerprint: a change here makes stored trials those of another task.
    assert task.fingerprint == "90c3c6a8edac"
    assert (task.name, task.metric, task.text_columns) == ("grammar", "matthews_correlation", ("sentence",))


def test_the_splits_are_datasets_of_their_sizes(task: Task) -> None:
    for split, size in ((task.train, 1024), (task.validation, 1000)):
        assert isinstance(split, Dataset)
        assert len(split) == size
        assert split.column_names == ["sentence", "label"]
        assert split.features["sentence"] == Value("string")
        assert split.features["label"] == ClassLabel(names=["unacceptable", "acceptable"])
    assert task.num_labels == 2


def test_no_sentence_occurs_twice_within_a_split_or_across(task: Task) -> None:
    assert len(set(texts(task))) == 1024 + 1000


def test_the_label_says_whether_the_sentence_belongs_to_the_language(task: Task) -> None:
    for split in (task.train, task.validation):
        for text, label in zip(split["sentence"], split["label"], strict=True):
            *words, stop = text.split()
            assert stop == "."
            assert is_sentence(words) is bool(label)


def test_seven_in_ten_are_acceptable(task: Task) -> None:
    # Four standard deviations of sqrt(.7 * .3 / 1000) = .0145.
    for split in (task.train, task.validation):
        assert sum(split["label"]) / len(split) == pytest.approx(0.7, abs=0.058)


def test_the_majority_scores_nothing_and_chance_is_an_entropy(task: Task) -> None:
    assert task.majority_score() == 0.0
    p = sum(task.train["label"]) / 1024
    assert task.chance_loss() == pytest.approx(-(p * math.log(p) + (1 - p) * math.log(1 - p)), abs=1e-12)
    assert 0.55 < task.chance_loss() < math.log(2)


def test_the_same_arguments_give_the_same_task_and_others_another(task: Task) -> None:
    assert load_grammar().fingerprint == task.fingerprint
    small = load_grammar(40, 30)
    assert (len(small.train), len(small.validation)) == (40, 30)
    assert list(small.train["sentence"]) == list(task.train["sentence"])[:40]
    assert not set(small.train["sentence"]) & set(small.validation["sentence"])
    assert load_grammar(40, 30, seed=1).fingerprint != small.fingerprint
    assert not set(texts(load_grammar(40, 30, seed=1))) & set(texts(small))
