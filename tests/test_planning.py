from __future__ import annotations

from pathlib import Path

import pytest

from tune_stability.errors import UserError
from tune_stability.execution import Resources
from tune_stability.execution.local import LocalExecutor
from tune_stability.models.catalog import revision
from tune_stability.options import SearchOptions, search_options
from tune_stability.planning import check_layers, check_model, estimated_seconds, study_spec, work_left
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


def own_task(folder: Path, text: str = "a dog watches .") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "dev"):
        (folder / f"{name}.csv").write_text(f"text,label\n{text},0\n.,1\ndog .,1\n")
    return f"file:{folder}/train.csv,{folder}/dev.csv"


def test_where_ones_own_files_are_is_no_part_of_a_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_task(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    out = str(tmp_path / "mine")
    relative = study_spec(SearchOptions(task="file:here/train.csv,here/dev.csv", out=out, num_configs=2))
    elsewhere = study_spec(SearchOptions(task=own_task(tmp_path / "there"), out=out, num_configs=2))
    assert relative.task == elsewhere.task == "file:train.csv,dev.csv"
    trials, others = enumerate_trials(relative), enumerate_trials(elsewhere)
    assert [trial.trial_id for trial in trials] == [trial.trial_id for trial in others]
    # A worker finds the files whatever folder it runs in.
    assert {trial.data.files for trial in trials} == {(f"{tmp_path}/here/train.csv", f"{tmp_path}/here/dev.csv")}
    # Other rows under the same names are another task.
    changed = study_spec(SearchOptions(task=own_task(tmp_path / "else", "a cat"), out=out, num_configs=2))
    assert {trial.trial_id for trial in enumerate_trials(changed)}.isdisjoint(trial.trial_id for trial in trials)


@pytest.mark.parametrize("given", [{"train_size": 4}, {"settings": ("train_size=4",)}])
def test_a_sample_larger_than_the_training_set_is_refused_before_any_trial(tmp_path: Path, given: dict) -> None:
    with pytest.raises(UserError, match=r"^train_size is 4, the training set has 3 examples; ask for less\.$"):
        study_spec(SearchOptions(task=own_task(tmp_path), **given))


@pytest.mark.parametrize("space", ["[axes.train_size]\nlow = 2\nhigh = 4\n", "[axes.train_size]\nchoices = [2, 4]\n"])
def test_a_sample_that_a_space_spans_is_refused_as_well(tmp_path: Path, space: str) -> None:
    (tmp_path / "own.toml").write_text(space)
    with pytest.raises(UserError, match=r"^train_size is 4, the training set has 3 examples; ask for less\.$"):
        study_spec(SearchOptions(task=own_task(tmp_path), space=str(tmp_path / "own.toml")))


def test_a_text_longer_than_the_model_takes_is_refused_before_any_trial(tmp_path: Path) -> None:
    long = own_task(tmp_path, "the " * 60)
    options = SearchOptions(task=long, out=str(tmp_path / "mine"))
    with pytest.raises(
        UserError, match=r"^the model takes 48 tokens, max_seq_length is 128 and the longest text has 62"
    ):
        check_model(options, study_spec(options))
    told = SearchOptions(task=long, out=str(tmp_path / "mine"), settings=("max_seq_length=48",))
    check_model(told, study_spec(told))
    (tmp_path / "own.toml").write_text("[axes.max_seq_length]\nlow = 40\nhigh = 48\n")
    spanned = SearchOptions(task=long, out=str(tmp_path / "mine"), space=str(tmp_path / "own.toml"))
    check_model(spanned, study_spec(spanned))


def test_the_embedded_model_and_task_need_no_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = SearchOptions(out=str(tmp_path / "mine"))
    spec = study_spec(options)
    monkeypatch.setattr("tune_stability.models.loading.load_model", None)
    check_model(options, spec)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sampler": "soboll"}, "unknown sampler 'soboll'; did you mean 'sobol'"),
        ({"executor": "rey"}, "unknown executor 'rey'; did you mean 'ray'"),
        (
            {"seed_scheme": "factorial", "sampler": "tpe"},
            "over a design, received the sampler 'tpe'; give one of sobol",
        ),
        ({"seed_scheme": "factorial", "seeds": 11}, "factorial takes at most 10 seeds, received 11"),
        ({"recipes": "devlin,stabl"}, "unknown recipe 'stabl'; did you mean 'stable'"),
        ({"recipes": "devlin,devlin+epochs"}, r"devlin and devlin\+epochs are the same in the space wide"),
        ({"trainable": "nowhere:run"}, "the trainable 'nowhere:run' cannot be imported"),
    ],
)
def test_what_is_unknown_is_named(tmp_path: Path, change: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        study_spec(options(tmp_path / "mine", **change))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"settings": ("learning_rate=0.001",)},
            "learning_rate is set to 0.001 for all arms, and the space wide spans it; leave the setting out, or take a "
            "space without learning_rate.",
        ),
        ({"settings": ("num_epochs=5",)}, "num_epochs is set to 5 for all arms, and the space wide spans it; "),
        (
            {"space": "lr", "train_steps": 10, "recipes": "devlin,devlin+correction,stable"},
            "the recipes devlin+correction and stable differ in num_epochs, and every trial has 10 steps, whatever its "
            "epochs; leave one of them out, or the steps.",
        ),
    ],
)
def test_what_would_change_nothing_is_refused(tmp_path: Path, change: dict, words: str) -> None:
    with pytest.raises(UserError) as caught:
        study_spec(options(tmp_path / "mine", **change))
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_a_recipe_that_steps_make_the_same_is_not_added_to_a_study(tmp_path: Path) -> None:
    same = {"space": "lr", "train_steps": 10, "num_configs": 1}
    open_study(locate(tmp_path / "mine"), study_spec(options(tmp_path / "mine", recipes="devlin", **same)))
    added = study_spec(options(tmp_path / "mine", recipes="devlin+epochs", **same))
    with pytest.raises(UserError, match=r"^the recipes devlin\+epochs and devlin differ in num_epochs, and every "):
        work_left(added, locate(tmp_path / "mine"), "local")


@pytest.mark.parametrize(
    "change",
    [
        {"settings": ("dropout=0",)},
        {"space": "lr", "settings": ("num_epochs=5",)},
        {"space": "lr", "train_steps": 10},
        # The epochs that the space spans are of no use here, but committed studies are like this one.
        {"space": "narrow", "train_steps": 10, "recipes": "stable"},
        # As without it: as many steps as the epochs take.
        {"train_steps": 0},
    ],
)
def test_what_changes_something_is_taken(tmp_path: Path, change: dict) -> None:
    study_spec(options(tmp_path / "mine", **change))


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

    LocalExecutor(Resources()).run("mine", place, Some(), ended.append)
    left = work_left(spec, place, "local")
    assert (left.total, left.done) == (16 - len(ended), len(ended))
    assert left.missing == enumerate_trials(spec)[len(ended) :]
    # Asked for less than there is: what is stored beyond that is not this search's.
    fewer = study_spec(options(tmp_path / "mine", num_configs=1))
    assert (work_left(fewer, place, "local").total, work_left(fewer, place, "local").done) == (0, 4)


def test_work_of_a_factorial_study_is_every_combination_of_seeds(tmp_path: Path) -> None:
    spec = study_spec(options(tmp_path / "mine", seed_scheme="factorial"))
    work = work_left(spec, locate(tmp_path / "mine"), "local")
    assert (work.total, work.done) == (4 * 2**3 * 2, 0)


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
        (
            {"recipes": "devlin,reinit", "model": "micro-albert"},
            "reinit_layers is 1, but the 4 layers of this model are ",
        ),
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


@pytest.mark.parametrize("change", [{"train_size": 100}, {"space": "lr", "train_steps": 10}, {"task": "file:"}])
def test_there_is_no_guess_for_another_training_set(tmp_path: Path, change: dict) -> None:
    given = {**change, "task": own_task(tmp_path)} if "task" in change else change
    spec, place = study_spec(SearchOptions(out=str(tmp_path / "mine"), **given)), locate(tmp_path / "mine")
    assert estimated_seconds(work_left(spec, place, "local"), spec, place) is None


def test_without_a_guess_or_a_trial_there_is_no_estimate(tmp_path: Path) -> None:
    spec, place = study_spec(options(tmp_path / "mine")), locate(tmp_path / "mine")
    assert estimated_seconds(work_left(spec, place, "local"), spec, place) is None
