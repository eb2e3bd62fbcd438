"""Sizes planned for a study: from the worst case or from its own trials, with time, price and what is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from tune_stability.analysis.planning_sizes import needed_configs, paired_variance
from tune_stability.execution import Resources
from tune_stability.execution.local import LocalExecutor
from tune_stability.options import SearchOptions
from tune_stability.outcomes import SuccessRule
from tune_stability.planning import study_spec
from tune_stability.sampling.enumeration import enumerate_trials
from tune_stability.sampling.sources import EnumeratedSource
from tune_stability.sizing import planned_sizes
from tune_stability.store import Location, load_results, locate, open_study
from tune_stability.studies import StudySpec

RULE = SuccessRule()


def spec(tmp_path: Path, **changes: object) -> StudySpec:
    given = {
        "space": "lr",
        "sampler": "random",
        "trainable": "tune_stability.training.analytic:run_trial",
        "model": "analytic/x",
        "task": "none",
        "num_configs": 16,
        "out": str(tmp_path / "study"),
    }
    return study_spec(SearchOptions(**{**given, **changes}))  # type: ignore[arg-type]


@pytest.fixture
def pilot(tmp_path: Path) -> Location:
    """A study of 16 configurations by 2 seeds by 2 recipes."""
    place = locate(tmp_path / "study")
    study = spec(tmp_path)
    open_study(place, study)
    LocalExecutor(Resources()).run("study", place, EnumeratedSource(enumerate_trials(study)), lambda end: None)
    return place


def test_the_worst_case_of_every_usual_width(tmp_path: Path) -> None:
    sizes, basis = planned_sizes(spec(tmp_path, seeds=4), locate(tmp_path / "study"), RULE, 1.0)
    assert [(size.width, size.n_seeds) for size in sizes] == [(w, m) for w in (0.2, 0.1, 0.05) for m in (1, 2, 3, 4, 5)]
    assert {size.n_configs for size in sizes if size.width == 0.2} == {392}
    assert [size.trials for size in sizes[:5]] == [2 * 392 * m for m in (1, 2, 3, 4, 5)]
    assert all(size.to_run == size.trials for size in sizes)
    # Seeds do not help there, so one is cheapest.
    assert {size.n_seeds for size in sizes if size.cheapest} == {1}
    # The analytic trainable has no first guess of its time.
    assert {(size.seconds, size.cost) for size in sizes} == {(None, None)}
    assert "worst case" in basis


def test_a_pilot_says_how_many_and_its_trials_need_not_run_again(tmp_path: Path, pilot: Location) -> None:
    sizes, basis = planned_sizes(spec(tmp_path), pilot, RULE, None)
    frame = load_results(pilot)
    first, second = (
        frame[frame["recipe"] == name]
        .sort_values(["config_index", "seed"])["outcome"]
        .eq("success")
        .to_numpy(float)
        .reshape(16, 2)
        for name in ("devlin", "stable")
    )
    variance = paired_variance(first, second, design="random")
    assert variance is not None
    assert [size.n_configs for size in sizes] == [
        needed_configs(variance, w, m) for w in (0.2, 0.1, 0.05) for m in (1, 2, 3, 5)
    ]
    # Of a study with one seed 16 configurations by 2 recipes are there, with more seeds twice as many.
    assert [size.trials - size.to_run for size in sizes[:4]] == [32, 64, 64, 64]
    for width in (0.2, 0.1, 0.05):
        of_one = [size for size in sizes if size.width == width]
        assert min(size.to_run for size in of_one) == next(size.to_run for size in of_one if size.cheapest)
    assert basis == "Planned from the 16 configurations that have run."


def test_time_and_price(tmp_path: Path) -> None:
    # The built-in trainable has a first guess of its time; in this space every trial has its recipe's epochs, 3 or 20.
    study = study_spec(SearchOptions(space="lr", out=str(tmp_path / "study")))
    from tune_stability.models.catalog import seconds_per_epoch

    size = planned_sizes(study, locate(tmp_path / "study"), RULE, 36.0)[0][0]
    each = seconds_per_epoch("micro-bert")
    assert each is not None
    # Eight scrambles have 7 degrees of freedom, so the worst case needs more than with independent configurations.
    assert size.n_configs == 560
    assert size.seconds == pytest.approx(2 * 560 * 11.5 * each)
    assert size.cost == pytest.approx(size.seconds / 100)


def test_with_a_rule_it_is_the_look_at_which_the_search_should_stop(tmp_path: Path, pilot: Location) -> None:
    sizes, basis = planned_sizes(spec(tmp_path, until_width="0.3", num_configs=512), pilot, RULE, None)
    assert {size.width for size in sizes} == {0.3}
    assert all(size.n_configs in (16, 32, 48, 64, 96, 128, 192, 256, 384, 512) for size in sizes)
    assert "holds whenever the search stops" in basis
    (few, *_), _ = planned_sizes(spec(tmp_path, until_width="0.01", num_configs=64), pilot, RULE, None)
    assert few.n_configs is None
    assert not few.cheapest


@pytest.mark.parametrize("change", [{"sampler": "tpe"}, {"sampler": "grid"}, {"recipes": "stable"}])
def test_where_there_is_no_widening_that_could_be_narrowed(tmp_path: Path, change: dict) -> None:
    assert planned_sizes(spec(tmp_path, **change), locate(tmp_path / "study"), RULE, None) == ([], "")


def test_arms_without_a_common_configuration_are_no_pilot(tmp_path: Path) -> None:
    place, study = locate(tmp_path / "study"), spec(tmp_path)
    open_study(place, study)
    apart = [trial for trial in enumerate_trials(study) if (trial.recipe == "stable") == (trial.config_index > 7)]
    LocalExecutor(Resources()).run("study", place, EnumeratedSource(apart), lambda end: None)
    sizes, basis = planned_sizes(study, place, RULE, None)
    assert "worst case" in basis
    assert all(size.to_run < size.trials for size in sizes)
