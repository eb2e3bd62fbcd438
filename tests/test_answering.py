from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from tune_stability.answering import answer
from tune_stability.axes import Axis
from tune_stability.execution import Resources
from tune_stability.execution.local import LocalExecutor
from tune_stability.outcomes import SuccessRule
from tune_stability.recipes import DEVLIN, STABLE
from tune_stability.sampling.enumeration import configuration_trials, enumerate_trials
from tune_stability.sampling.sources import EnumeratedSource
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.store import Location, locate, open_study
from tune_stability.studies import StudySpec

SPEC = StudySpec(
    name="s",
    model="analytic/x",
    model_revision="",
    task="none",
    task_fingerprint="",
    trainable="tune_stability.training.analytic:run_trial",
    space=get_space("wide", 2e-5),
    recipes=(DEVLIN, STABLE),
    reference_learning_rate=2e-5,
    sampler="sobol",
    design_seed=0,
    num_configs=16,
    num_seeds=1,
)


@pytest.fixture
def place(tmp_path: Path) -> Location:
    return locate(tmp_path / "study")


def run(place: Location, spec: StudySpec, first: int | None = None) -> None:
    open_study(place, spec)
    trials = enumerate_trials(spec)[:first]
    LocalExecutor(Resources()).run("s", place, EnumeratedSource(trials), lambda end: None)


def answered(place: Location, spec: StudySpec = SPEC, rule: str = "majority") -> str:
    printed = io.StringIO()
    answer(spec, [], place, SuccessRule.parse(rule), Console(file=printed, width=250))
    return printed.getvalue()


def test_the_answer_is_tables_and_a_picture(place: Location) -> None:
    run(place, SPEC)
    text = answered(place)
    assert "Success rate of the region" in text
    assert "Widening" in text
    assert f"picture: {place.picture_file}" in text
    assert Path(place.picture_file).read_bytes().startswith(b"\x89PNG")


def test_the_same_study_gives_the_same_answer(place: Location) -> None:
    run(place, SPEC)
    first, picture = answered(place), Path(place.picture_file).read_bytes()
    assert answered(place) == first
    assert Path(place.picture_file).read_bytes() == picture


def test_another_rule_gives_another_picture(place: Location) -> None:
    run(place, SPEC)
    answered(place)
    picture = Path(place.picture_file).read_bytes()
    answered(place, rule="margin:0.3")
    assert Path(place.picture_file).read_bytes() != picture


def test_a_study_without_trials_has_nothing_to_show(place: Location) -> None:
    open_study(place, SPEC)
    assert answered(place) == "no trial has completed, so there is nothing to show yet\n"
    assert not Path(place.picture_file).exists()


def test_an_arm_without_a_row_is_left_out(place: Location) -> None:
    run(place, SPEC, first=1)
    text = answered(place)
    assert "One configuration says nothing about the rest of the space." in text
    assert "Widening" not in text
    assert "stable  " not in text


SMALL = dataclasses.replace(
    SPEC, space=SearchSpace("epochs", (Axis("num_epochs", 1, 20, "log"),)), num_configs=4, recipes=(DEVLIN,)
)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [({}, False), ({"seed_scheme": "factorial"}, False), ({"seed_scheme": "factorial", "num_seeds": 2}, True)],
)
def test_a_factorial_study_splits_its_variance(place: Location, changes: dict, shown: bool) -> None:
    spec = dataclasses.replace(SMALL, **changes)
    run(place, spec)
    text = answered(place, spec)
    assert ("Spread of the score over seeds, by source" in text) == shown
    assert "have no outcome" not in text
    # Success rates count the trials that share no seed.
    assert re.search(rf"devlin +[\d.]+ % \[[\d.]+, [\d.]+\] \? +{4 * spec.num_seeds} +0\b", text)


def test_a_factorial_study_that_was_stopped_has_an_answer(place: Location) -> None:
    spec = dataclasses.replace(SMALL, seed_scheme="factorial", num_seeds=2)
    run(place, spec, first=3)
    text = answered(place, spec)
    assert "No configuration has all its scores." in text
    assert "29 of 32 planned trials have no outcome" in text


def test_a_space_without_a_learning_rate_has_no_picture(place: Location) -> None:
    spec = dataclasses.replace(SPEC, space=SearchSpace("epochs", (Axis("num_epochs", 1, 20, "log"),)))
    run(place, spec)
    text = answered(place, spec)
    assert "Success rate of the region" in text
    assert "picture" not in text
    assert not Path(place.picture_file).exists()


@pytest.mark.parametrize("with_design", [False, True])
def test_a_boundary_search_without_a_design_row_of_an_arm(place: Location, with_design: bool) -> None:
    spec = dataclasses.replace(SPEC, sampler="boundary", replicates=8)
    middle = spec.space.configuration([0.5] * len(spec.space.axes))
    trials = configuration_trials(spec, 1, middle, "adaptive")
    if with_design:
        trials += configuration_trials(spec, 0, middle, "design")[:1]
    open_study(place, spec)
    LocalExecutor(Resources()).run("s", place, EnumeratedSource(trials), lambda end: None)
    text = answered(place, spec)
    if not with_design:
        assert text == "no trial of the design has ended, so the region is not known yet\n"
    else:
        assert re.search(r"devlin +[\d.]+ % \[0\.0, 100\.0\] \? +1 +0\b", text)
        assert "stable  " not in text
