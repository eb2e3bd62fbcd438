from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from tune_stability.errors import UserError
from tune_stability.execution import Resources
from tune_stability.execution.local import LocalExecutor
from tune_stability.execution.worker import Worker
from tune_stability.sampling.sources import EnumeratedSource, TrialEnd
from tune_stability.store import Location, compact, load_results
from tune_stability.training.analytic import run_trial
from tune_stability.trials import TrialConfig


def run(place: Location, trials: list[TrialConfig]) -> list[TrialEnd]:
    ends: list[TrialEnd] = []
    LocalExecutor(Resources()).run("s", place, EnumeratedSource(trials), ends.append)
    return ends


def test_every_trial_runs_once_and_is_stored(make_study) -> None:
    place, trials = make_study(num_configs=8, num_seeds=2)
    ends = run(place, trials)
    assert [end.trial_id for end in ends] == [trial.trial_id for trial in trials]
    rows = load_results(place).set_index("trial_id")
    assert set(rows.index) == {trial.trial_id for trial in trials}
    assert (rows["study"] == "s").all()
    for trial, end in zip(trials, ends, strict=True):
        result = run_trial(trial)
        row = rows.loc[trial.trial_id]
        assert row["score"] == result.score
        assert row["outcome"] == end.outcome == ("success" if result.score > 0.5 else "failed")
        assert (row["recipe"], row["config_index"], row["seed"]) == (trial.recipe, trial.config_index, trial.seed)
        assert end.error is None
    assert {end.outcome for end in ends} == {"success", "failed"}
    assert len(load_results(place, table="curves")) == 3 * len(trials)
    assert len(load_results(place, table="gradients")) == 2 * len(trials)


def test_the_source_hears_how_each_batch_ended(make_study) -> None:
    place, trials = make_study(num_configs=2)

    heard = []

    class Listening(EnumeratedSource):
        def batch_ended(self, batch, ends) -> None:
            heard.append(([t.trial_id for t in batch.trials], [end.trial_id for end in ends]))
            super().batch_ended(batch, ends)

    source = Listening(trials)
    LocalExecutor(Resources()).run("s", place, source, lambda end: None)
    assert heard
    assert all(handed == ended for handed, ended in heard)


def test_an_exception_is_a_row_with_its_traceback_and_the_others_go_on(make_study, make_trainable) -> None:
    name = make_trainable(
        "if config.config_index == 1 and config.recipe == 'stable':\n"
        "    raise MemoryError('out of memory\\nin layer 3')\n"
        "return analytic(config)"
    )
    place, trials = make_study(trainable=name)
    ends = run(place, trials)
    rows = load_results(place)
    assert len(rows) == len(trials)
    failed = rows[rows["status"] == "error"]
    assert list(zip(failed["config_index"], failed["recipe"], strict=True)) == [(1, "stable")]
    (error,) = failed["error"]
    assert error.startswith("Traceback (most recent call last)")
    assert "raise MemoryError" in error
    assert error.rstrip().endswith("MemoryError: out of memory\nin layer 3")
    assert failed["outcome"].isna().all()
    assert failed["score"].isna().all()
    assert [end.error for end in ends if end.error] == ["MemoryError: out of memory"]
    assert [end.outcome for end in ends if end.error] == [None]


def test_a_score_of_nan_is_a_failed_run_that_diverged(make_study, make_trainable) -> None:
    name = make_trainable(
        "return dataclasses.replace(analytic(config), score=math.nan, best_score=math.nan, train_loss=math.nan)"
    )
    place, trials = make_study(trainable=name)
    ends = run(place, trials)
    rows = load_results(place)
    assert len(rows) == len(trials)
    assert set(rows["status"]) == {"completed"}
    assert set(rows["outcome"]) == {"failed"}
    assert set(rows["failure_mode"]) == {"diverged"}
    assert all(math.isnan(score) for score in rows["score"])
    assert rows["error"].isna().all()
    assert {(end.outcome, end.error) for end in ends} == {("failed", None)}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("return None", "must return a TrialResult, received None"),
        ("return {'score': 0.9}", "must return a TrialResult, received {'score': 0.9}"),
        ("return dataclasses.replace(analytic(config), score='good')", "score of a result of .* must be a number"),
        ("return dataclasses.replace(analytic(config), train_loss=None)", "train_loss of a result of .* a number"),
    ],
)
def test_a_result_that_is_none_is_an_error_row_too(make_study, make_trainable, body: str, error: str) -> None:
    place, trials = make_study(trainable=make_trainable(body))
    ends = run(place, trials)
    rows = load_results(place)
    assert list(rows["status"]) == ["error"] * len(trials)
    assert rows["error"].str.contains(error, regex=True).all()
    assert len(ends) == len(trials)


@pytest.mark.parametrize("stop", ["KeyboardInterrupt", "SystemExit"])
def test_being_stopped_is_not_a_trial_s_error(make_study, make_trainable, stop: str) -> None:
    name = make_trainable(f"if config.config_index == 1:\n    raise {stop}\nreturn analytic(config)")
    place, trials = make_study(trainable=name)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        run(place, trials)
    rows = load_results(place)
    assert set(rows["config_index"]) == {0}
    assert set(rows["status"]) == {"completed"}


def test_a_store_that_cannot_be_written_stops_the_search(make_study, make_trainable) -> None:
    # A regular file takes the place of the folder; permissions would not stop a privileged user.
    name = make_trainable(
        "if config.config_index == 1:\n"
        "    (folder / 'study' / 'curves').rename(folder / 'aside')\n"
        "    (folder / 'study' / 'curves').touch()\n"
        "return analytic(config)"
    )
    place, trials = make_study(trainable=name)
    with pytest.raises(UserError) as caught:
        run(place, trials)
    message = str(caught.value)
    assert message.startswith(f"cannot write to {place.name}: ")
    assert "What was finished before is safe." in message
    assert "\n" not in message
    (Path(place.root) / "curves").unlink()
    assert set(load_results(place)["config_index"]) == {0}


def test_a_full_disk_stops_the_search_and_keeps_what_was_stored(make_study, monkeypatch: pytest.MonkeyPatch) -> None:
    place, trials = make_study()
    run(place, trials[:2])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tune_stability.store.location.os.fsync", full)
    with pytest.raises(UserError, match=r"No space left on device.*free some space"):
        run(place, trials[2:])
    monkeypatch.undo()
    assert len(load_results(place)) == 2
    assert not [path for path in Path(place.root).rglob("*") if path.name.endswith(".tmp")]


def test_a_death_is_stored_as_an_error_without_an_outcome(make_study) -> None:
    place, trials = make_study()
    end = Worker("s", place).record_death(trials[0], 4, "out of memory")
    assert end.outcome is None
    assert end.error == "the worker died 4 times while it ran this trial"
    rows = load_results(place)
    assert list(rows["trial_id"]) == [trials[0].trial_id]
    assert list(rows["status"]) == ["error"]
    assert list(rows["error"]) == [f"{end.error}; the last time: out of memory"]


def test_a_trial_in_flight_has_a_checkpoint_and_a_finished_one_has_none(make_study, make_trainable) -> None:
    name = make_trainable(
        "seen = config.checkpoint_file.read()\n"
        "config.checkpoint_file.write(b'step 5')\n"
        "if seen is None and config.config_index == 0:\n"
        "    raise KeyboardInterrupt\n"
        "(folder / f'seen-{config.trial_id}').write_text(repr(seen))\n"
        "return analytic(config)"
    )
    place, trials = make_study(trainable=name, num_configs=1)
    trials = [dataclasses.replace(trial, checkpoint_every=5) for trial in trials]
    with pytest.raises(KeyboardInterrupt):
        run(place, trials)
    left = sorted((Path(place.root) / "checkpoints").iterdir())
    assert [path.name for path in left] == [f"{trials[0].trial_id}.safetensors"]
    assert load_results(place).empty
    run(place, trials[:1])
    assert (Path(place.root).parent / f"seen-{trials[0].trial_id}").read_text() == "b'step 5'"
    assert list((Path(place.root) / "checkpoints").iterdir()) == []
    assert len(load_results(place)) == 1


def test_no_checkpoints_unless_asked_for(make_study, make_trainable) -> None:
    name = make_trainable("assert config.checkpoint_file is None\nreturn analytic(config)")
    place, trials = make_study(trainable=name, num_configs=1)
    assert {end.error for end in run(place, trials)} == {None}
    assert not (Path(place.root) / "checkpoints").exists()


def test_a_checkpoint_that_cannot_be_deleted_costs_no_trial(make_study, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    place, trials = make_study(num_configs=1)
    monkeypatch.setattr("tune_stability.execution.worker.StoredCheckpoint.delete", refused)
    ends = [Worker("s", place).run(dataclasses.replace(trial, checkpoint_every=5)) for trial in trials]
    assert [end.error for end in ends] == [None] * len(trials)
    assert len(load_results(place)) == len(trials)


def test_compaction_deletes_the_checkpoint_that_an_earlier_search_left_of_a_finished_trial(
    make_study, make_trainable
) -> None:
    name = make_trainable(
        "if config.checkpoint_file is not None:\n"
        "    config.checkpoint_file.write(b'step 5')\n"
        "    raise KeyboardInterrupt\n"
        "return analytic(config)"
    )
    place, trials = make_study(trainable=name, num_configs=1)
    with pytest.raises(KeyboardInterrupt):
        run(place, [dataclasses.replace(trial, checkpoint_every=5) for trial in trials])
    assert len(list((Path(place.root) / "checkpoints").iterdir())) == 1
    run(place, trials[:1])
    compact(place)
    assert list((Path(place.root) / "checkpoints").iterdir()) == []
    (Path(place.root) / "checkpoints" / f"{trials[1].trial_id}.safetensors").write_bytes(b"of a trial in flight")
    compact(place)
    assert len(list((Path(place.root) / "checkpoints").iterdir())) == 1
