from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tune_stability.analysis import Summary, summarize
from tune_stability.axes import ChoiceAxis
from tune_stability.display.summary import print_best, print_summary
from tune_stability.outcomes import SuccessRule
from tune_stability.spaces import SearchSpace, get_space

WIDE = get_space("wide", 2e-5)


def summary(frame: pd.DataFrame, *recipes: str, space: SearchSpace = WIDE) -> Summary:
    return summarize(frame, recipes or ("devlin", "stable"), space, "sobol", rng=np.random.default_rng(0))


def text(print_it: Callable[[Console], None], width: int = 250) -> str:
    printed = io.StringIO()
    print_it(Console(file=printed, width=width))
    return printed.getvalue()


def of(found: Summary, width: int = 250) -> str:
    return text(lambda console: print_summary(found, "What is compared.", console), width)


def test_rates_counts_and_failure_modes(make_frame) -> None:
    # devlin succeeds in 5 of 16 configurations, with both seeds; stable in 9, and one of its trials is missing.
    def letter(recipe: str, index: int, seed: int) -> str:
        if recipe == "stable" and (index, seed) == (15, 1):
            return "e"
        if index < (5 if recipe == "devlin" else 9):
            return "s"
        return "v" if recipe == "devlin" else "un"[seed]

    found = summary(make_frame(letter))
    shown = of(found)
    assert "What is compared.\nSuccess rule: majority. Intervals are 95 %.\n" in shown
    rates = {arm.recipe: arm.success_rate for arm in found.arms}
    assert rates["devlin"].estimate == 10 / 32
    assert re.search(r"devlin +31\.2 % \[[\d.]+, [\d.]+\] +32 +0\b", shown)
    # Every configuration counts the same: fifteen of two seeds, and one that lost a trial.
    assert rates["stable"].estimate == 9 / 16
    assert re.search(r"stable +56\.2 % \[[\d.]+, [\d.]+\] +31 +1\b", shown)
    assert re.search(r"recipe +vanishing_gradients +undertrained +no_generalization", shown)
    assert re.search(r"devlin +22 +0 +0\b", shown)
    assert re.search(r"stable +0 +7 +6\b", shown)
    assert "diverged" not in shown


def test_the_widening_is_given_in_points_and_as_a_ratio_also_by_epochs(make_frame) -> None:
    found = summary(
        make_frame(lambda recipe, index, seed: "s" if index % 4 < (1 if recipe == "devlin" else 3) else "u")
    )
    shown = of(found)
    (comparison,) = found.comparisons
    assert comparison.difference.estimate == 0.5
    assert comparison.ratio.estimate == 3.0
    assert re.search(r"\ball\b.*75\.0.*25\.0.*\+50\.0 \[[+-][\d.]+, \+[\d.]+\].*3\.00 \[", shown) or re.search(
        r"\ball\b.*25\.0.*75\.0.*\+50\.0 \[[+-][\d.]+, \+[\d.]+\].*3\.00 \[", shown
    )
    for band in comparison.bands:
        points = band.widening.difference.format("points").replace(" points", "")
        assert re.search(rf"\b{band.band}\b.*{re.escape(points)}", shown)
    assert len(comparison.bands) == 3


def test_one_arm_has_no_widening(make_frame) -> None:
    shown = of(summary(make_frame(lambda recipe, index, seed: "s" if index % 2 else "u"), "stable"))
    assert "Widening" not in shown
    assert "Success rate of the region" in shown


def test_arms_that_never_succeed_have_no_basin(make_frame) -> None:
    shown = of(summary(make_frame(lambda *_: "d")))
    assert re.search(r"devlin +none +none +0\.00 \[0\.00, [\d.]+\] \?", shown)
    assert re.search(r"devlin +0\.0 % \[0\.0, [\d.]+\]", shown)
    assert "The fitted success probability is nowhere as high as 0.5." in shown
    assert re.search(r"recipe +diverged *\n", shown)


def test_whether_there_is_a_basin_is_unknown_from_few_learning_rates(make_frame) -> None:
    shown = of(summary(make_frame(lambda *_: "s", n_configs=4)))
    assert re.search(r"devlin +unknown +unknown +- \[0\.00, 3\.50\] \?", shown)
    assert "4 learning rates are too few for a basin; run at least 5. (basin of devlin; basin of stable)" in shown


def test_arms_that_always_succeed_have_a_basin_wider_than_the_range(make_frame) -> None:
    shown = of(summary(make_frame(lambda *_: "s")))
    assert "Failed trials" not in shown
    assert re.search(r"devlin +below 3\.6e-07 +above 0\.0011 +3\.50 \[[\d.]+, 3\.50\] \?", shown)
    assert re.search(r"stable +100\.0 % \[[\d.]+, 100\.0\]", shown)
    assert "the edge lies outside" in shown


def test_intervals_that_cannot_be_trusted_are_marked_and_explained_once(make_frame) -> None:
    shown = of(summary(make_frame(lambda recipe, index, seed: "s" if index % 2 else "u", n_configs=6)))
    note = "6 configurations are too few to know their spread; run at least 8."
    assert shown.count(note) == 1
    (line,) = (line for line in shown.splitlines() if note in line)
    assert line.startswith(f"? {note} (success rate of devlin; success rate of stable; ")
    assert "stable over devlin, epochs all" in line
    assert re.search(r"devlin +50\.0 % \[[\d.]+, [\d.]+\] \?", shown)


def test_intervals_that_can_be_trusted_have_no_note(make_frame) -> None:
    frame = make_frame(lambda recipe, index, seed: "s" if index % 2 else "u", n_configs=64)
    found = summary(frame)
    assert all(arm.success_rate.trustworthy for arm in found.arms)
    shown = of(found)
    assert not re.search(r"devlin +50\.0 % \[[\d.]+, [\d.]+\] \?", shown)
    assert "success rate of devlin" not in shown


def test_many_missing_trials_are_noted(make_frame) -> None:
    shown = of(summary(make_frame(lambda recipe, index, seed: "e" if index < 4 else "s")))
    assert "8 of 32 trials are missing, perhaps not at random." in shown
    assert re.search(r"devlin +100\.0 % \[[\d.]+, 100\.0\] \? +24 +8\b", shown)


def test_a_space_without_a_learning_rate_has_no_basin(make_frame) -> None:
    space = SearchSpace("epochs", tuple(axis for axis in WIDE.axes if axis.name != "learning_rate"))
    shown = of(summary(make_frame(lambda recipe, index, seed: "s" if index % 2 else "u", space=space), space=space))
    assert "basin" not in shown
    assert "Success rate of the region" in shown


@pytest.mark.parametrize("width", [80, 114])
def test_nothing_is_lost_on_a_narrow_terminal(make_frame, width: int) -> None:
    shown = of(summary(make_frame(lambda recipe, index, seed: "s" if index % 2 else "u")), width)
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    assert "50.0" in shown


def test_the_best_configurations_come_first_and_only_the_best(make_frame) -> None:
    # Configuration 7 succeeds with both seeds of stable, 3 with one; errors count in no share.
    def letter(recipe: str, index: int, seed: int) -> str:
        if recipe == "stable" and index == 7:
            return "s"
        if recipe == "stable" and index == 3:
            return "su"[seed]
        return "e" if index == 5 else "u"

    frame = make_frame(letter).assign(source="adaptive")
    shown = text(lambda console: print_best(frame, WIDE, SuccessRule(), console, most=4))
    lines = [line.split() for line in shown.splitlines() if re.search(r"\d/\d", line)]
    assert [line[3:] for line in lines[:2]] == [["stable", "2/2", "0.505"], ["stable", "1/2", "0.250"]]
    best = frame[frame["config_index"] == 7].iloc[0]
    assert lines[0][:3] == [f"{best[name]:.3g}" for name in WIDE.names]
    assert len(lines) == 4
    assert "0/0" not in shown
    assert "say nothing about the success rate of the region" in " ".join(shown.split())


def test_the_best_configurations_name_their_choices(make_frame) -> None:
    choices = (ChoiceAxis("lr_scheduler_type", ("linear", "cosine")), ChoiceAxis("bias_correction", (True, False)))
    space = SearchSpace("c", (*choices, ChoiceAxis("batch_size", (8, 128))))
    frame = make_frame(lambda recipe, index, seed: "s" if index == 2 else "u", space=space).assign(source="adaptive")
    shown = text(lambda console: print_best(frame, space, SuccessRule(), console, most=1))
    best = frame[frame["config_index"] == 2].iloc[0]
    (line,) = (line.split() for line in shown.splitlines() if re.search(r"\d/\d", line))
    assert line[:3] == [best["lr_scheduler_type"], str(best["bias_correction"]), str(best["batch_size"])]
