from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tune_stability.execution import Resources, Retries, get_executor
from tune_stability.sampling.sources import Batch, EnumeratedSource, TrialEnd
from tune_stability.store import load_results

# Fails as often as the file named for the trial says.
FAILING = (
    "mark = folder / f'tries-{config.trial_id}'\n"
    "tries = int(mark.read_text()) if mark.exists() else 0\n"
    "mark.write_text(str(tries + 1))\n"
    "if config.config_index == 1 and tries < %d:\n    raise ValueError(f'no luck, try {tries}')\n"
    "return analytic(config)"
)


class Heard(EnumeratedSource):
    """What the source and the search hear."""

    def __init__(self, trials) -> None:
        super().__init__(trials)
        self.batches: list[tuple[Batch, list[TrialEnd]]] = []
        self.ends: list[TrialEnd] = []

    def batch_ended(self, batch, ends) -> None:
        self.batches.append((batch, list(ends)))
        super().batch_ended(batch, ends)


def run(make_study, trainable: str, max_retries: int) -> tuple[Heard, Path]:
    place, trials = make_study(trainable=trainable)
    source = Heard(trials)
    retries = Retries(source, max_retries, source.ends.append)
    get_executor("local", Resources()).run("s", place, retries, retries.trial_ended)
    return source, Path(place.root)


@pytest.mark.parametrize(
    ("failures", "max_retries", "tries", "status"),
    [
        (0, 1, 1, "completed"),
        (1, 0, 1, "error"),
        (1, 1, 2, "completed"),
        (2, 1, 2, "error"),
        (2, 3, 3, "completed"),
        (9, 3, 4, "error"),
    ],
)
def test_an_error_is_tried_again_as_often_as_allowed(
    make_study, make_trainable, failures: int, max_retries: int, tries: int, status: str
) -> None:
    source, folder = run(make_study, make_trainable(FAILING % failures), max_retries)
    rows = load_results(folder).set_index("trial_id")
    unlucky = rows[rows["config_index"] == 1]
    assert set(unlucky["status"]) == {status}
    assert set(rows.loc[rows["config_index"] != 1, "status"]) == {"completed"}
    for trial_id in rows.index:
        expected = tries if trial_id in unlucky.index else 1
        assert (folder.parent / f"tries-{trial_id}").read_text() == str(expected)
    # Each trial ends once for the search, and each batch once and whole for the source.
    assert sorted(end.trial_id for end in source.ends) == sorted(rows.index)
    assert {end.trial_id for end in source.ends if end.error} == (set(unlucky.index) if status == "error" else set())
    for batch, ends in source.batches:
        assert sorted(end.trial_id for end in ends) == sorted(trial.trial_id for trial in batch.trials)
    assert len({batch.key for batch, _ in source.batches}) == len(source.batches)
    if status == "error":
        assert unlucky["error"].str.contains(f"no luck, try {tries - 1}").all()


def test_a_retry_is_a_line_of_the_log_with_the_trial_and_its_error(
    make_study, make_trainable, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="tune_stability"):
        run(make_study, make_trainable(FAILING % 1), 1)
    told = [record for record in caplog.records if getattr(record, "event", "") == "trial_retried"]
    assert len(told) == 2
    assert {record.getMessage() for record in told} == {
        "ended in an error (ValueError: no luck, try 0); trying it again, 1 of 1"
    }
    assert len({record.trial_id for record in told}) == 2  # type: ignore[attr-defined]


def test_after_the_deadline_nothing_is_tried_again(make_study, make_trainable) -> None:
    place, trials = make_study(trainable=make_trainable(FAILING % 9))
    source = Heard(trials)
    retries = Retries(source, 5, source.ends.append)
    over = Batch(1, tuple(trials), deadline=1.0)
    retries.batch_ended(over, [TrialEnd(trials[0].trial_id, "devlin", None, 0.1, "ValueError: x")])
    again = retries.next_batch()
    assert again is not None
    assert again.is_over()
    assert [trial.trial_id for trial in again.trials] == [trials[0].trial_id]
    assert place.exists(place.study_file)
