"""What a search logs: one JSON object a line, without credentials; warnings on the console too."""

from __future__ import annotations

import io
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import fs
from rich.console import Console
from rich.live import Live
from typer.testing import CliRunner

from tune_stability import load_results
from tune_stability.cli import app
from tune_stability.errors import LogWarning, UserError
from tune_stability.event_log import event_log
from tune_stability.store import Location, lease, locate

log = logging.getLogger("tune_stability.somewhere")
SMALL = (
    *("--trainable", "tune_stability.training.analytic:run_trial", "--model", "analytic/x", "--task", "none"),
    *("--executor", "local", "--space", "lr", "--num-configs", "4", "--seeds", "1"),
)


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def logged(folder: Path, *messages: str) -> None:
    with event_log(locate(folder), None, quiet()):
        for message in messages:
            log.info(message)


def quiet() -> Console:
    return Console(file=io.StringIO(), width=250)


def search(out: Path, *more: str) -> str:
    result = CliRunner().invoke(app, ["search", *SMALL, "--out", str(out), *more])
    assert result.exit_code == 0, result.output
    return result.output


def test_an_event_is_a_line_of_json(tmp_path: Path) -> None:
    with event_log(locate(tmp_path), None, quiet()):
        log.info("worker %d died", 3, extra={"event": "worker_died", "trial_id": "ab", "attempt": np.int64(2)})
        log.info("plain")
    first, second = events(tmp_path / "search.jsonl")
    assert first["time"].endswith("+00:00")
    assert list(first) == ["time", "level", "event", "message", "trial_id", "attempt", "host", "pid"]
    del first["time"], first["host"]
    assert first == {
        "level": "info",
        "event": "worker_died",
        "message": "worker 3 died",
        "trial_id": "ab",
        "attempt": 2,
        "pid": os.getpid(),
    }
    assert (second["event"], "trial_id" in second) == ("message", False)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (float("nan"), None),
        ([1.5, float("inf"), True, None], [1.5, None, True, None]),
        ({"a": {1: (2,)}}, {"a": {"1": [2]}}),
        (Path("/x"), "/x"),
        (b"\xff", "b'\\xff'"),
        ("two\nlines \udc80", "two\nlines \udc80"),
        ("s3://key:secret@bucket/a and gs://u:p@b", "s3://bucket/a and gs://b"),
        (["s3://key:secret@bucket"], ["s3://bucket"]),
    ],
)
def test_whatever_a_field_holds_the_line_is_json(tmp_path: Path, value: object, written: object) -> None:
    with event_log(locate(tmp_path), None, quiet()):
        log.info("x", extra={"event": "e", "field": value, "host": "not this one"})
    (event,) = events(tmp_path / "search.jsonl")
    assert event["field"] == written
    assert event["host"] != "not this one"


def test_no_credentials_reach_the_file_or_the_console(tmp_path: Path) -> None:
    console = quiet()
    with event_log(locate(tmp_path), None, console):
        try:
            raise OSError("no s3://key:secret@bucket")
        except OSError:
            log.exception("cannot reach s3://key:secret@bucket", extra={"event": "store_away"})
    (event,) = events(tmp_path / "search.jsonl")
    assert "OSError: no s3://bucket" in event["traceback"]
    for text in (json.dumps(event), console.file.getvalue()):  # type: ignore[attr-defined]
        assert "s3://bucket" in text
        assert "secret" not in text


def test_warnings_are_lines_of_the_console_above_the_live_display(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=40, force_terminal=True, legacy_windows=False)
    with event_log(locate(tmp_path), None, console), Live("the display", console=console, auto_refresh=False):
        log.info("silent")
        log.warning("the [node]\nis %s", "gone " * 10, extra={"event": "node_lost"})
        log.error("no", extra={"event": "e", "trial_id": "ab12"})
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"warning: the [node] is {'gone ' * 9}gone" in said
    assert "error: trial ab12: no" in said
    assert "silent" not in said
    assert said.index("error: trial") < said.rindex("the display")


def test_a_log_is_added_to_and_the_logger_left_as_it_was(tmp_path: Path) -> None:
    own = logging.getLogger("tune_stability")
    before = own.level, list(own.handlers)
    for _ in range(2):
        with event_log(locate(tmp_path), None, quiet()):
            log.info("x")
        log.info("nobody hears this")
    assert (own.level, own.handlers) == before
    assert len(events(tmp_path / "search.jsonl")) == 2


def test_a_study_elsewhere_has_its_log_where_the_search_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = Location(fs._MockFileSystem(), "bucket/study", "mock://bucket/study")
    with event_log(place, None, quiet()):
        log.info("x")
    assert len(events(tmp_path / "logs" / "study" / "search.jsonl")) == 1


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "search.jsonl").mkdir()
    with pytest.warns(LogWarning, match="does not have all events") as caught:
        logged(tmp_path, "x", "y")
    assert len(caught) == 1


def test_a_line_that_a_full_disk_cut_short_spoils_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = os.write, []

    def full_once(descriptor: int, data: bytes) -> int:
        calls.append(data)
        return write(descriptor, data[:10] if len(calls) == 1 else data)

    monkeypatch.setattr("tune_stability.event_log.os.write", full_once)
    with pytest.warns(LogWarning, match="the disk is full"):
        logged(tmp_path, "cut", "whole")
    assert json.loads((tmp_path / "search.jsonl").read_text().splitlines()[1])["message"] == "whole"


def test_a_wrong_log_call_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The handler by which pytest listens at the root raises what a log call does wrong.
    monkeypatch.setattr(logging.getLogger("tune_stability"), "propagate", False)
    with event_log(locate(tmp_path), None, quiet()):
        log.info("%d trials", "no number")
    assert "Logging error" in capsys.readouterr().err


def test_a_file_of_ones_own_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file/log", ""):
        path = str(tmp_path / name) if name else name
        with pytest.raises(UserError, match=r"--log-file .* cannot be written"), event_log(locate("x"), path, quiet()):
            pytest.fail("it ran")


def test_a_search_logs_its_start_its_trials_and_its_end(tmp_path: Path) -> None:
    search(tmp_path / "study")
    start, *trials, end = events(tmp_path / "study" / "search.jsonl")
    assert start["event"] == "search_started"
    assert {name: start[name] for name in ("executor", "planned", "missing", "recipes", "task", "num_seeds")} == {
        "executor": "local",
        "planned": 8,
        "missing": 8,
        "recipes": ["devlin", "stable"],
        "task": "none",
        "num_seeds": 1,
    }
    rows = load_results(tmp_path / "study").set_index("trial_id")
    assert {event["trial_id"] for event in trials} == set(rows.index)
    for event in trials:
        row = rows.loc[event["trial_id"]]
        assert (event["event"], event["error"]) == ("trial_ended", None)
        assert [event[name] for name in ("recipe", "config_index", "seed", "outcome")] == [
            *(row["recipe"], row["config_index"], row["seed"], row["outcome"]),
        ]
        assert event["seconds"] >= 0
    assert [end[name] for name in ("event", "ended", "errors", "left")] == ["search_finished", 8, 0, 0]
    # Nothing ran, so nothing is told.
    search(tmp_path / "study")
    assert len(events(tmp_path / "study" / "search.jsonl")) == 10


def test_a_search_that_stops_before_its_end_says_so_in_a_file_of_ones_own(tmp_path: Path) -> None:
    search(tmp_path / "study", "--time-budget", "0s", "--log-file", str(tmp_path / "own" / "log.jsonl"))
    assert not (tmp_path / "study" / "search.jsonl").exists()
    assert [event["event"] for event in events(tmp_path / "own" / "log.jsonl")] == ["search_started", "search_stopped"]


def test_what_is_in_the_folder_before_the_study_is_fine(tmp_path: Path) -> None:
    with event_log(locate(tmp_path), None, quiet()), lease(locate(tmp_path), pytest.fail):
        log.info("x")
    assert "8 trials to run" in search(tmp_path)


def test_what_ray_adds_to_every_record_is_left_out(tmp_path: Path) -> None:
    make_record = logging.getLogRecordFactory()

    def as_in_a_process_with_ray(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = make_record(*arguments, **named)
        record.__dict__["_ray_timestamp_ns"] = 1
        return record

    logging.setLogRecordFactory(as_in_a_process_with_ray)
    try:
        logged(tmp_path, "x")
    finally:
        logging.setLogRecordFactory(make_record)
    (event,) = events(tmp_path / "search.jsonl")
    assert list(event) == ["time", "level", "event", "message", "host", "pid"]


def test_an_event_costs_little_of_a_trial_s_time(tmp_path: Path) -> None:
    extra = {"event": "trial_ended", "trial_id": "ab", "recipe": "stable", "seed": 1, "seconds": 1.0, "error": None}
    with event_log(locate(tmp_path), None, quiet()):
        started = time.process_time()
        for _ in range(1000):
            log.info("trial %s ended", "ab", extra=extra)
    # About 40 microseconds where nothing else runs; on a busy machine, and with coverage measured, several times that.
    assert (time.process_time() - started) / 1000 < 1e-3


def test_a_study_s_folder_that_is_away_is_not_made_anew_by_its_log(tmp_path: Path) -> None:
    with (
        pytest.warns(LogWarning, match="does not have all events"),
        event_log(locate(tmp_path / "away"), None, Console(file=io.StringIO())),
    ):
        logging.getLogger("tune_stability.x").warning("the store is away", extra={"event": "store_away"})
    assert not (tmp_path / "away").exists()
