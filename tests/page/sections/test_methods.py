from __future__ import annotations

import dataclasses

import pandas as pd

from tune_stability.page.blocks import Numbers, Section, Text, bold
from tune_stability.page.sections.methods import section
from tune_stability.studies import StopRule


def tables(found: Section) -> dict[str, pd.DataFrame]:
    return {block.title: block.table for block in found.blocks if isinstance(block, Numbers)}


def texts(found: Section) -> list[str]:
    return [block.text for block in found.blocks if isinstance(block, Text)]


def half(recipe: str, index: int, seed: int) -> str:
    if (index, seed) == (1, 1):
        return "e"
    return "s" if index % 2 else "u"


def test_it_says_what_was_run_with_what_and_what_is_missing(view_of) -> None:
    view = view_of(half, has_summary=True, edit=lambda trials: trials[trials["trial_id"] != "0" * 20])
    found = section(dataclasses.replace(view, command="python -m x", damage=("left out 1 file.",)))
    shown = tables(found)
    study = shown["What was run"].set_index("what")["value"]
    assert study["model"] == "<script>alert(1)</script>, revision r"
    assert study["task"] == "t, fingerprint f"
    assert study["success rule"].startswith("majority: matthews correlation at the end of training above 0")
    assert shown["Search space"].values.tolist()[2] == ["num_epochs", "1 to 20", "log"]
    assert shown["Recipes"]["differences"].tolist()[1] == "devlin with bias_correction True, num_epochs 20"
    origin = shown["With what"].set_index("what")
    assert origin.loc["torch_version"].tolist() == ["not recorded", 15]
    assert origin.loc["first start", "value"] == "2026-01-02 03:04 UTC"
    assert any(
        isinstance(block, Numbers) and block.note == "All trials took 22.5 minutes together." for block in found.blocks
    )
    assert shown["Trials"].values.tolist() == [["devlin", 8, 6, 1, 1], ["stable", 8, 7, 1, 0]]
    assert shown["Errors"][["error", "trials"]].values.tolist() == [["RuntimeError: out of memory", 2]]
    assert Text("While reading: left out 1 file.", is_warning=True) in found.blocks
    assert texts(found)[-1] == f"{bold('This page')} was made by: python -m x"
    assert "arXiv 2006.04884" in texts(found)[-2]
    assert "version 0.1.0" in texts(found)[-2]


def test_every_interval_has_its_method_and_those_not_to_be_trusted_their_reason(view_of) -> None:
    view = view_of(half, has_summary=True)
    shown = tables(section(view))
    assert {"success rate", "widening", "ratio"} <= set(shown["Method of each"]["quantity"])
    assert view.summary is not None
    rate = view.summary.arms[0].success_rate
    assert not rate.trustworthy
    reasons = shown["Not to be trusted"].set_index("note")["intervals"]
    assert "success rate of devlin" in reasons[rate.note]


def test_without_a_design_there_are_no_intervals(view_of) -> None:
    found = section(view_of(half))
    assert "Method of each" not in tables(found)
    assert "Errors" in tables(found)


def test_a_sequential_study_says_that_it_looked(view_of) -> None:
    view = view_of(half, has_summary=True)
    view = dataclasses.replace(view, spec=dataclasses.replace(view.spec, stop_rule=StopRule(0.1, 64)))
    found = section(view)
    assert any("looked at its results" in text for text in texts(found))
    assert "0.1 wide, 64 configurations at most" in tables(found)["What was run"]["value"].iloc[-1]


def test_only_errors_and_no_traceback(view_of) -> None:
    found = section(view_of(lambda *_: "e", n_configs=1, edit=lambda trials: trials.assign(error=None)))
    assert tables(found)["Errors"]["error"].tolist() == ["no traceback"]
    assert tables(found)["What was run"].iloc[-1]["value"] == "majority: no trial has an outcome yet"
