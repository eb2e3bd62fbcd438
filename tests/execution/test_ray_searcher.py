"""What Tune is told to run, and what becomes of a batch whose worker died. No Ray runs here."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import pytest

from tune_stability.errors import UserError
from tune_stability.execution import ray_searcher
from tune_stability.execution.ray_searcher import MAX_MACHINE_LOSSES, MAX_WORKER_DEATHS, BatchSearcher
from tune_stability.execution.ray_worker import Parcel, WorkerSetup
from tune_stability.execution.worker import Worker
from tune_stability.sampling.sources import Batch, TrialEnd
from tune_stability.store import Location, current_provenance, load_results
from tune_stability.trials import TrialConfig

FINISHED = "FINISHED"


class OneByOne:
    """Batches of three trials."""

    def __init__(self, trials: list[TrialConfig]) -> None:
        self.left = [Batch(key, tuple(trials[key : key + 3])) for key in range(0, len(trials), 3)]
        self.heard: list[tuple[Batch, list[str]]] = []

    def next_batch(self) -> Batch | None:
        return self.left.pop(0) if self.left else None

    def batch_ended(self, batch: Batch, ends: list[TrialEnd]) -> None:
        self.heard.append((batch, sorted(end.trial_id for end in ends)))


class Search:
    """A searcher with what it tells its source and its search."""

    def __init__(self, place: Location, trials: list[TrialConfig]) -> None:
        self.place, self.trials, self.ends = place, trials, []  # type: ignore[var-annotated]
        self.source = OneByOne(trials)
        first = self.source.next_batch()
        assert first is not None
        common = WorkerSetup("s", place, current_provenance(), None, trials[0].trainable, with_rows=False)
        self.searcher = BatchSearcher(first, self.source, common, self.ends.append)
        self.worker = Worker("s", place)

    def asks(self, tune_trial: str) -> list[str] | str | None:
        config = self.searcher.suggest(tune_trial)
        return [trial.trial_id for trial in config["parcel"].batch.trials] if isinstance(config, dict) else config

    def runs(self, tune_trial: str, *places: int, reported: bool = True) -> None:
        ends = [dataclasses.astuple(self.worker.run(self.trials[place])) for place in places]
        if reported:
            self.searcher.on_trial_result(tune_trial, {"ends": ends})

    def dies(self, tune_trial: str, machine_lost: bool = False, started: bool = True) -> None:
        # As Tune does it.
        if started:
            self.searcher.worker_started(tune_trial)
        self.searcher.on_trial_complete(tune_trial, error=True)
        self.searcher.worker_died(tune_trial, "out of luck", machine_lost)

    def ids(self, *places: int) -> list[str]:
        return [self.trials[place].trial_id for place in places]


@pytest.fixture
def search(make_study) -> Search:
    return Search(*make_study())


def test_batches_go_out_until_there_are_no_more(search: Search) -> None:
    assert search.asks("a") == search.ids(0, 1, 2)
    assert search.asks("b") == search.ids(3, 4, 5)
    # None: ask again later, since one of them may come back.
    assert search.asks("c") is None
    search.runs("a", 0, 1, 2)
    search.searcher.on_trial_complete("a", {"done": True})
    search.runs("b", 3, 4, 5)
    search.searcher.on_trial_complete("b", {"done": True})
    assert search.asks("d") == FINISHED
    assert [ids for _, ids in search.source.heard] == [sorted(search.ids(0, 1, 2)), sorted(search.ids(3, 4, 5))]
    assert [end.trial_id for end in search.ends] == search.ids(0, 1, 2, 3, 4, 5)


def test_a_repeated_result_counts_once(search: Search) -> None:
    search.asks("a")
    ends = [dataclasses.astuple(search.worker.run(search.trials[0]))]
    search.searcher.on_trial_result("a", {"ends": ends})
    search.searcher.on_trial_result("a", {"ends": ends})
    search.searcher.on_trial_complete("a", {"ends": ends, "done": True})
    assert [end.trial_id for end in search.ends] == search.ids(0)


def test_what_a_worker_logged_is_logged_once(search: Search, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tune_stability")
    search.asks("a")
    said = {"text": "the store is away", "worker": "h:1", "happened": "10:00", "event": "store_away"}
    search.searcher.on_trial_result("a", {"ends": [], "logged": [said]})
    search.searcher.on_trial_complete("a", {"ends": [], "logged": [said], "done": True})
    (record,) = caplog.records
    assert record.getMessage() == "h:1: the store is away"
    assert (vars(record)["event"], vars(record)["worker"]) == ("store_away", "h:1")


@pytest.mark.parametrize("machine_lost", [False, True])
def test_what_a_dead_worker_left_is_handed_out_again_without_what_it_had_stored(
    search: Search, machine_lost: bool, caplog: pytest.LogCaptureFixture
) -> None:
    search.asks("a")
    search.runs("a", 0)
    search.runs("a", 1, reported=False)
    with caplog.at_level(logging.WARNING, logger="tune_stability"):
        search.dies("a", machine_lost)
    assert [end.trial_id for end in search.ends] == search.ids(0, 1)
    (record,) = caplog.records
    what = "a machine was lost" if machine_lost else "a worker died"
    assert record.getMessage() == f"{what}; 1 trials of it are handed out again (out of luck)"
    assert record.event == ("machine_lost" if machine_lost else "worker_died")  # type: ignore[attr-defined]
    assert record.trial_id == search.ids(2)[0]  # type: ignore[attr-defined]
    # What comes back goes first.
    assert search.asks("b") == search.ids(2)
    search.runs("b", 2)
    search.searcher.on_trial_complete("b", {"done": True})
    ((batch, ids),) = search.source.heard
    assert [trial.trial_id for trial in batch.trials] == search.ids(0, 1, 2)
    assert ids == sorted(search.ids(0, 1, 2))


def test_a_worker_that_dies_after_its_last_trial_loses_nothing(search: Search) -> None:
    search.asks("a")
    search.runs("a", 0, 1, 2, reported=False)
    search.dies("a")
    assert [ids for _, ids in search.source.heard] == [sorted(search.ids(0, 1, 2))]
    assert search.asks("b") == search.ids(3, 4, 5)


def test_a_row_with_an_error_is_not_taken_for_the_end_of_the_trial(search: Search) -> None:
    # It may be that of an earlier search, which this one tries again.
    search.worker.record_death(search.trials[0], 4, "an earlier search")
    search.asks("a")
    search.dies("a")
    assert search.ends == []
    assert search.asks("b") == search.ids(0, 1, 2)


def test_a_trial_whose_worker_always_dies_becomes_an_error_and_the_rest_of_its_batch_runs(search: Search) -> None:
    for death in range(MAX_WORKER_DEATHS + 1):
        assert search.asks(f"a{death}") == search.ids(0, 1, 2)
        search.dies(f"a{death}")
    assert search.asks("b") == search.ids(1, 2)
    assert [(end.trial_id, end.error) for end in search.ends] == [
        (search.ids(0)[0], "the worker died 4 times while it ran this trial")
    ]
    rows = load_results(search.place)
    assert list(rows["error"]) == ["the worker died 4 times while it ran this trial; the last time: out of luck"]


def test_the_row_says_how_often_a_worker_died_where_the_trial_is_tried_again_after_that(search: Search) -> None:
    source, again = search.source, [True]
    heard = source.batch_ended

    def batch_ended(batch: Batch, ends: list[TrialEnd]) -> None:
        if ends[0].error and again.pop():
            source.left.insert(0, Batch(9, batch.trials[:1]))
        heard(batch, ends)

    source.batch_ended = batch_ended  # type: ignore[method-assign]
    for death in range(MAX_WORKER_DEATHS + 1):
        search.asks(f"a{death}")
        search.dies(f"a{death}")
    search.asks("b")
    search.runs("b", 1, 2)
    search.searcher.on_trial_complete("b", {"done": True})
    assert search.asks("c") == search.ids(0)
    again.append(False)
    search.dies("c")
    assert [end.error for end in search.ends if end.error] == [
        "the worker died 4 times while it ran this trial",
        "the worker died 5 times while it ran this trial",
    ]


def test_workers_that_cannot_start_stop_the_search_and_make_no_trial_an_error(search: Search) -> None:
    for death in range(ray_searcher.MAX_DEATHS_IN_A_ROW):
        assert search.searcher.fatal is None
        assert search.asks(f"a{death}") == search.ids(0, 1, 2)
        search.dies(f"a{death}", started=False)
    assert "workers were lost one after the other" in str(search.searcher.fatal)
    assert search.ends == []
    assert load_results(search.place).empty


def test_the_loss_of_machines_is_not_held_against_a_trial_unless_it_may_be_what_brings_them_down(
    search: Search,
) -> None:
    for loss in range(MAX_MACHINE_LOSSES):
        assert search.asks(f"a{loss}") == search.ids(0, 1, 2)
        search.dies(f"a{loss}", machine_lost=True)
    assert search.ends == []
    search.asks("b")
    search.dies("b", machine_lost=True)
    assert [end.error for end in search.ends] == ["the worker died 21 times while it ran this trial"]
    assert search.asks("c") == search.ids(1, 2)
    assert search.searcher.fatal is None


@pytest.mark.parametrize("machine_lost", [False, True])
def test_workers_that_die_and_never_end_a_trial_stop_the_search(
    search: Search, machine_lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_searcher, "MAX_DEATHS_IN_A_ROW", 3)
    monkeypatch.setattr(ray_searcher, "MAX_LOSSES_IN_A_ROW", 3)
    for death in range(2):
        search.asks(f"a{death}")
        search.dies(f"a{death}", machine_lost)
    # An end between them shows that it works.
    search.asks("b")
    search.runs("b", 0)
    search.dies("b", machine_lost)
    assert search.searcher.fatal is None
    for death in range(2):
        search.asks(f"c{death}")
        search.dies(f"c{death}", machine_lost)
    assert isinstance(search.searcher.fatal, UserError)
    assert str(search.searcher.fatal) == (
        "3 workers were lost one after the other without ending a trial, the last one because: out of luck; "
        "mend that, and run the same command to go on."
    )
    assert search.asks("d") == FINISHED


def test_a_machine_whose_workers_die_does_not_end_what_runs_on_others(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_searcher, "MAX_DEATHS_IN_A_ROW", 3)
    search.asks("long")
    search.searcher.worker_started("long")
    for death in range(4):
        search.asks(f"a{death}")
        search.dies(f"a{death}", started=False)
    assert search.searcher.fatal is None
    search.dies("long")
    assert "workers were lost one after the other" in str(search.searcher.fatal)


def test_a_store_that_is_away_when_a_worker_dies_does_not_end_the_search(search: Search) -> None:
    search.asks("a")
    search.runs("a", 0)
    root = Path(search.place.root)
    root.rename(root.with_name("away"))
    search.dies("a")
    root.with_name("away").rename(root)
    assert search.searcher.fatal is None
    assert search.asks("b") == search.ids(1, 2)


def test_a_store_that_fails_stops_the_search(search: Search) -> None:
    search.asks("a")
    search.searcher.on_trial_complete("a", {"ends": [], "fatal": "cannot write", "done": True})
    assert str(search.searcher.fatal) == "cannot write"
    assert search.asks("b") == FINISHED


def test_after_a_failure_what_waits_for_a_worker_is_not_run_any_more_and_what_runs_goes_on(search: Search) -> None:
    running, waiting = (search.searcher.suggest(name)["parcel"] for name in ("a", "b"))
    search.searcher.worker_started("a")
    search.searcher.on_trial_result("a", {"ends": [], "fatal": "cannot write"})
    assert len(running.batch.trials) == 3
    assert waiting.batch.trials == ()
    assert not search.searcher.has_failed_and_landed()
    search.searcher.on_trial_complete("a", {"ends": [], "done": True})
    assert search.searcher.has_failed_and_landed()
    search.searcher.worker_started("b")
    search.searcher.on_trial_complete("b", {"ends": [], "done": True})
    assert search.asks("c") == FINISHED
    assert str(search.searcher.fatal) == "cannot write"


def test_tune_can_copy_print_and_keep_a_parcel_at_no_cost(search: Search) -> None:
    import copy
    import pickle

    config = search.searcher.suggest("a")
    parcel = config["parcel"]
    assert copy.deepcopy(config)["parcel"] is parcel
    assert repr(parcel) == "batch 0"
    assert pickle.loads(pickle.dumps(parcel)).batch == parcel.batch
    search.searcher.on_trial_complete("a", {"ends": [], "done": True})
    assert parcel.batch is None
    assert repr(parcel) == repr(Parcel(None)) == "batch"
    assert pickle.loads(pickle.dumps(search.searcher)).__dict__ == {}
