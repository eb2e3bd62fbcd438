from __future__ import annotations

import pytest

from tune_stability.page.blocks import Picture, Text
from tune_stability.page.sections import failure_modes


def letters(recipe: str, index: int, seed: int) -> str:
    return {"devlin": "svdu", "stable": "ssse"}[recipe][index % 4]


def test_bars_counts_and_meanings(make_trials, make_view) -> None:
    picture, counts, meanings = failure_modes.section(make_view(make_trials(letters, n_configs=8))).blocks
    assert [(trace["name"], trace["x"]) for trace in picture.data] == [
        ("success", [25, 100]),
        ("undertrained", [25, 0]),
        ("vanishing gradients", [25, 0]),
        ("diverged", [25, 0]),
    ]
    assert picture.data[0]["text"] == ["25 %", "100 %"]
    assert picture.data[1]["text"] == ["25 %", ""]
    assert picture.layout["barmode"] == "stack"
    assert "devlin success 25.0 %, undertrained 25.0 %" in picture.alt
    table = counts.table.set_index("outcome or failure mode")
    assert table.loc["diverged"].tolist() == ["4\u00a0(25.0\u00a0%)", "0\u00a0(0.0\u00a0%)"]
    assert list(meanings.table.iloc[:, 0]) == list(counts.table.iloc[:, 0])
    assert "gradients of the lower layers stay under 0.2 times" in meanings.table["meaning"].iloc[3]
    assert "'failure_mode'" in picture.rows


@pytest.mark.parametrize(("letter", "kind"), [("s", Text), ("u", Picture)])
def test_a_study_with_no_failures_or_only_failures(letter: str, kind: type, make_trials, make_view) -> None:
    first, *_ = failure_modes.section(make_view(make_trials(lambda *_: letter, n_configs=1, n_seeds=1))).blocks
    assert isinstance(first, kind)
    if letter == "s":
        assert first == Text("No trial failed by this success rule.")


def test_what_another_rule_fails_is_explained(make_trials, make_view) -> None:
    meanings = failure_modes.section(make_view(make_trials(lambda *_: "s"), "margin:0.505")).blocks[-1].table
    assert meanings.iloc[-1].tolist() == [
        "unclassified",
        "Failed by this success rule, a success by the rule under which it was stored.",
    ]


def test_without_design_rows_there_is_nothing(make_trials, make_view) -> None:
    assert failure_modes.section(make_view(make_trials(letters), sampler="tpe")).blocks == ()
    assert failure_modes.section(make_view(make_trials(lambda *_: "e"))).blocks == ()
