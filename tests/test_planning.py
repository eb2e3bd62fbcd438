from __future__ import annotations

from pathlib import Path

import pytest

from tune_stability.errors import UserError
from tune_stability.execution.local import LocalExecutor
from tune_stability.models.catalog import revision
from tune_stability.options import SearchOptions, search_options
from tune_stability.planning import check_layers, estimated_seconds, study_spec, work_left
from tune_stability.sampling.enumeration import enumerate_trials
from tune_stability.spaces import get_space
from tune_stability.store import locate, open_study
from tune_stability.tasks import load_task

ANALYTIC = "tune_stability.training.analytic:run_trial"


def options(out: Path, **changes: object) -> SearchOptions:
    given = {
        "trainable": ANALYTIC,
        "model": "analytic/x",
        "task": "none",
        "num_configs": 4,
        "seeds": 2,
        "out": str(out),
    }
    return search_options(None, {**given, **changes})


def test_options_become_a_study(tmp_path: Path) -> None:
    spec = study_spec(options(tmp_path / "mine", recipes="stable, devlin", sampler="random", design_seed=3))
    assert spec.name == "mine"
    assert [recipe.name for recipe in spec.recipes] == ["stable", "devlin"]
    assert (spec.sampler, spec.design_seed, spec.num_configs, spec.num_seeds) == ("random", 3, 4, 2)
    # A model that the catalog does not know has the usual rate, and the space lies around it.
    assert spec.reference_learning_rate == 2e-5
    assert spec.space == get_space("wide", 2e-5)
    # Someone's own trainable says itself what its model and task are.
    assert (spec.model, spec.model_revision, spec.task, spec.task_fingerprint) == ("analytic/x", "", "none", "")


def test_the_built_in_trainable_pins_model_and_task(tmp_path: Path) -> None:
    spec = study_spec(SearchOptions(out=str(tmp_path / "mine")))
    assert spec.model_revision == revision("micro-bert") != ""
    assert spec.task_fingerprint == load_task("grammar").fingerprint != ""
    assert spec.space == get_space("wide", 3e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sampler": "soboll"}, "unknown sampler 'soboll'; did you mean 'sobol'"),
        ({"executor": "rey"}, "unknown executor 'rey'; did you mean 'ray'"),
        ({"recipes": "devlin,stabl"}, "unknown recipe 'stabl'; did you mean 'stable'"),
        ({"recipes": "devlin,devlin+epochs"}, r"devlin and devlin\+epochs are the same in the space wide"),
        ({"trainable": "nowhere:run"}, "the trainable 'nowhere:run' cannot be imported"),
    ],
)
def test_what_is_unknown_is_named(tmp_path: Path, change: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        study_spec(options(tmp_path / "mine", **change))
    assert list(tmp_path.iterdir()) == []


def test_work_is_what_was_asked_for_less_what_is_stored(tmp_path: Path) -> None:
    spec, place = study_spec(options(tmp_path / "mine")), locate(tmp_path / "mine")
    work = work_left(spec, place, "local")
    assert (work.total, work.done) == (16, 0)
    assert work.missing == enumerate_trials(spec)

    open_study(place, spec)
    stop_after = 5
    ended = []

    class Some:
        def next_batch(self):
            return work.source.next_batch() if len(ended) < stop_after else None

        def batch_ended(self, batch, ends) -> None:
            work.source.batch_ended(batch, ends)

    LocalExecutor().run("mine", place, Some(), ended.append)
    left = work_left(spec, place, "local")
    assert (left.total, left.done) == (16 - len(ended), len(ended))
    assert left.missing == enumerate_trials(spec)[len(ended) :]
    # Asked for less than there is: what is stored beyond that is not this search's.
    fewer = study_spec(options(tmp_path / "mine", num_configs=1))
    assert (work_left(fewer, place, "local").total, work_left(fewer, place, "local").done) == (0, 4)


def test_work_of_an_adaptive_study_is_not_known_up_front(tmp_path: Path) -> None:
    work = work_left(study_spec(options(tmp_path / "mine", sampler="tpe")), locate(tmp_path / "mine"), "local")
    assert (work.total, work.done, work.missing) == (16, 0, [])


def test_the_estimate_counts_the_epochs_of_what_is_missing(tmp_path: Path) -> None:
    spec, place = study_spec(SearchOptions(out=str(tmp_path / "mine"), num_configs=4)), locate(tmp_path / "mine")
    work = work_left(spec, place, "local")
    epochs = sum(trial.hyperparameters.num_epochs for trial in work.missing)
    from tune_stability.models.catalog import seconds_per_epoch

    assert estimated_seconds(work, spec, place) == pytest.approx(epochs * seconds_per_epoch("micro-bert"))
    # An adaptive sampler's proposals are not known; the middle of the space stands for each: between 1 and 20 epochs.
    spec = study_spec(SearchOptions(out=str(tmp_path / "mine"), num_configs=4, sampler="tpe"))
    work = work_left(spec, place, "local")
    middle = get_space("wide", 3e-4).configuration([0.5] * 3)["num_epochs"]
    assert estimated_seconds(work, spec, place) == pytest.approx(work.total * middle * seconds_per_epoch("micro-bert"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipes": "devlin", "settings": ("reinit_layers=5",)}, "reinit_layers is 5, the model has 4 layers"),
        ({"space": "[axes.reinit_layers]\nlow = 0\nhigh = 6\n"}, "reinit_layers is 6, the model has 4 layers"),
        ({"space": "[axes.reinit_layers]\nchoices = [1, 5]\n"}, "reinit_layers is 5, the model has 4 layers"),
        ({"space": "[axes.reinit_layers]\nlow = 0\nhigh = 4\n"}, None),
        ({"recipes": "devlin,reinit"}, None),
        # Someone's own trainable gives the number its meaning.
        ({"trainable": ANALYTIC, "settings": ("reinit_layers=5",)}, None),
    ],
)
def test_more_layers_than_the_model_has_are_found_before_any_trial(
    tmp_path: Path, change: dict, message: str | None
) -> None:
    if "space" in change:
        (tmp_path / "own.toml").write_text(change["space"])
        change = {**change, "space": str(tmp_path / "own.toml")}
    spec = study_spec(SearchOptions(out=str(tmp_path / "mine"), **change))
    if message is None:
        check_layers(spec)
        return
    with pytest.raises(UserError) as caught:
        check_layers(spec)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_without_a_guess_or_a_trial_there_is_no_estimate(tmp_path: Path) -> None:
    spec, place = study_spec(options(tmp_path / "mine")), locate(tmp_path / "mine")
    assert estimated_seconds(work_left(spec, place, "local"), spec, place) is None
