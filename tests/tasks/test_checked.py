"""What is learned from, and every way in which it cannot be, in one line each."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from tune_stability.errors import UserError
from tune_stability.tasks.checked import check_metric, check_train_size, checked_task
from tune_stability.tasks.tables import RawSplit
from tune_stability.tasks.task import Task

NAN = float("nan")


def raw(labels: object, texts: object = None, origin: str = "train.csv", **more: object) -> RawSplit:
    labels = labels if isinstance(labels, pa.Array) else pa.array(labels)
    texts = [f"t{i}" for i in range(len(labels))] if texts is None else texts
    return RawSplit(origin, pa.table({"text": texts, "label": labels, **more}))


def checked(train: RawSplit, validation: RawSplit | None = None, metric: str = "accuracy", **more: object) -> Task:
    validation = validation or RawSplit("dev.csv", train.table)
    return checked_task("t", metric, ("text",), "label", train, validation, **more)


@pytest.mark.parametrize(
    ("labels", "classes", "numbers"),
    [
        ([0, 1, 0], ["0", "1"], [0, 1, 0]),
        ([2, 1, 5], ["1", "2", "5"], [1, 0, 2]),
        ([-1, 1], ["-1", "1"], [0, 1]),
        # Numbers are sorted as numbers, also where a CSV made words of them.
        (["10", "9", "-2"], ["-2", "9", "10"], [2, 1, 0]),
        (["no", "yes", "no"], ["no", "yes"], [0, 1, 0]),
        (["entails", "neutral"], ["entails", "neutral"], [0, 1]),
        (["b", "B", "a"], ["B", "a", "b"], [2, 0, 1]),
        (["1", "other", "0"], ["0", "1", "other"], [1, 2, 0]),
        # 01 is no number's usual form, so it stays the word that it was.
        (["01", "1"], ["1", "01"], [1, 0]),
        ([True, False], ["0", "1"], [1, 0]),
        ([1.0, 0.0], ["0", "1"], [1, 0]),
        (pa.array(["yes", "no"]).dictionary_encode(), ["no", "yes"], [1, 0]),
        (pa.array([3, 1], pa.uint8()), ["1", "3"], [1, 0]),
        (pa.array(["b", "a"], pa.large_string()), ["a", "b"], [1, 0]),
        (["NA", "none"], ["NA", "none"], [0, 1]),
    ],
)
def test_classes_are_the_sorted_labels_of_the_training_set(labels: object, classes: list, numbers: list) -> None:
    got = checked(raw(labels))
    assert got.train.features["label"].names == got.validation.features["label"].names == classes
    assert got.train["label"][:] == got.validation["label"][:] == numbers
    assert got.num_labels == len(classes)
    assert (got.name, got.metric, got.text_columns) == ("t", "accuracy", ("text",))


def test_validation_labels_are_numbered_as_in_training() -> None:
    got = checked(raw(["a", "b", "c"]), raw(["c", "b"], origin="dev.csv"))
    assert got.validation["label"][:] == [2, 1]
    assert got.num_labels == 3


@pytest.mark.parametrize(
    "texts",
    [["a", "", "NA"], pa.array(["a", "b", "a"]).dictionary_encode(), pa.array(["a", "b", "c"], pa.large_string())],
)
def test_texts_are_kept_as_they_are(texts: object) -> None:
    got = checked(raw([0, 1, 1], texts))
    assert got.train["text"][:] == (texts if isinstance(texts, list) else texts.to_pylist())


def test_other_columns_are_no_part_of_the_task() -> None:
    plain, more = checked(raw([0, 1])), checked(raw([0, 1], idx=[7, 8]))
    assert more.train.column_names == ["text", "label"]
    assert more.fingerprint == plain.fingerprint


def test_rows_without_a_label_are_left_out() -> None:
    got = checked(raw([0, -1, 1, -1, 1]), raw(["1", "-1", "0"], origin="dev.csv"), unlabelled=-1)
    assert (got.train["text"][:], got.train["label"][:]) == (["t0", "t2", "t4"], [0, 1, 1])
    assert (got.validation["text"][:], got.validation["label"][:]) == (["t0", "t2"], [1, 0])
    assert got.num_labels == 2


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (
            RawSplit("a.csv", pa.table({"txt": ["a"], "label": [1]})),
            "a.csv has no column 'text'; it has 'txt', 'label'.",
        ),
        (RawSplit("a.csv", pa.table({"text": ["a"]})), "a.csv has no column 'label'; it has 'text'."),
        (
            RawSplit("a.csv", pa.table([["a"], [0], [1]], names=["text", "label", "label"])),
            "a.csv has more than one column 'label'; it has 'text', 'label', 'label'.",
        ),
        (RawSplit("a.csv", pa.table({})), "a.csv has no column 'text'; it has none."),
        (raw([], []), "train.csv is empty: it has no row with a label; give one that has some."),
        (raw([1, 1, 1]), "train.csv has one class only, all its labels are 1; two are needed at least."),
        (raw(["a"]), "train.csv has one class only, all its labels are 'a'; two are needed at least."),
        (
            raw([0, None, 1, None]),
            "train.csv has nothing in the column 'label' in 2 of 4 rows, the first is row 2; fill these in or leave "
            "them out.",
        ),
        (raw([0.0, 1.0, NAN]), "train.csv has nothing in the column 'label' in 1 of 3 rows, the first is row 3; "),
        (raw(["NaN", "0", "1"]), "train.csv has nothing in the column 'label' in 1 of 3 rows, the first is row 1; "),
        (raw(["", "0", "1"]), "train.csv has nothing in the column 'label' in 1 of 3 rows, the first is row 1; "),
        (raw(pa.nulls(2)), "train.csv has nothing in the column 'label' in 2 of 2 rows, the first is row 1; "),
        (
            raw([0, 1], ["a", None]),
            "train.csv has nothing in the column 'text' in 1 of 2 rows, the first is row 2; ",
        ),
        (raw([0, 1], pa.nulls(2)), "train.csv has nothing in the column 'text' in 2 of 2 rows, the first is row 1; "),
        (
            raw([0, 1], [3, 4]),
            "train.csv has int64 in the column 'text', where texts belong; name another.",
        ),
        (
            raw([0.0, 3.8]),
            "train.csv has the label 3.8 in the column 'label': a label is a whole number or a word, a regression has "
            "none.",
        ),
        (raw([0.0, float("inf")]), "train.csv has the label inf in the column 'label': "),
        (
            raw([[0], [1]]),
            "train.csv has list<item: int64> in the column 'label', where labels belong: whole numbers or words.",
        ),
        (raw([Decimal("1.5"), Decimal(2)]), "train.csv has decimal128(2, 1) in the column 'label', where labels "),
    ],
)
@pytest.mark.parametrize("where", ["train", "validation"])
def test_what_cannot_be_learned_from_or_judged_is_refused(train: RawSplit, message: str, where: str) -> None:
    # The same holds for either split.
    good = raw([0, 1], origin="good.csv")
    with pytest.raises(UserError) as caught:
        checked(train, good) if where == "train" else checked(good, train)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_split_all_of_whose_labels_are_withheld_is_empty() -> None:
    with pytest.raises(UserError, match=r"^dev\.csv is empty: it has no row with a label"):
        checked(raw([0, 1]), raw([-1, -1], origin="dev.csv"), unlabelled=-1)


@pytest.mark.parametrize(
    ("train", "validation", "words"),
    [
        ([0, 1], [0, 2, 3], "dev.csv has the label 2, which the training set lacks; it has 0, 1."),
        (["no", "yes"], ["no", "Yes"], "dev.csv has the label 'Yes', which the training set lacks; it has 'no', 'yes'"),
        (["0", "1"], ["0", "x"], "dev.csv has the label 'x', which the training set lacks; it has 0, 1."),
        (list(range(12)), [0, 12], "the label 12, which the training set lacks; it has 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 a"),
    ],
)
def test_a_validation_label_that_training_lacks(train: list, validation: list, words: str) -> None:
    with pytest.raises(UserError) as caught:
        checked(raw(train), raw(validation, origin="dev.csv"))
    assert words in str(caught.value)


def test_metrics_are_known_and_fit_the_classes() -> None:
    for metric in ("accuracy", "f1", "accuracy_and_f1", "matthews_correlation"):
        check_metric(metric, 2)
        assert checked(raw([0, 1]), metric=metric).metric == metric
    for metric in ("accuracy", "matthews_correlation"):
        assert checked(raw([0, 1, 2]), metric=metric).num_labels == 3
    with pytest.raises(UserError, match=r"^unknown metric 'acuracy'; did you mean 'accuracy'\? Allowed: accuracy, "):
        check_metric("acuracy")
    for metric in ("f1", "accuracy_and_f1"):
        with pytest.raises(
            UserError,
            match=rf"^the metric {metric} is for two classes, the task has 3; take one of accuracy, matthews_corr",
        ):
            checked(raw([0, 1, 2]), metric=metric)


def test_a_sample_is_not_larger_than_what_it_is_drawn_from() -> None:
    check_train_size(0, 5)
    check_train_size(5, 5)
    with pytest.raises(UserError, match=r"^train_size is 6, the training set has 5 examples; ask for less\.$"):
        check_train_size(6, 5)
