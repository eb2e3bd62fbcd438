"""Every trial is a run of its own in the tools that Ray logs to."""

from __future__ import annotations

import math
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tune_stability import load_results
from tune_stability.errors import LogWarning, UserError
from tune_stability.execution import ray_logs
from tune_stability.execution.ray_logs import StudyLogs
from tune_stability.execution.worker import Worker
from tune_stability.store import Location

Report = tuple[dict[str, Any], list[dict[str, Any]]]


class Recorder:
    """Stands for a callback of Ray's."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def setup(self) -> None:
        self.calls.append(("setup",))

    def log_trial_start(self, trial: Any) -> None:
        self.calls.append(("start", trial.trial_id, trial.config))

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        self.calls.append(("result", iteration, trial.trial_id, result))

    def log_trial_end(self, trial: Any, failed: bool) -> None:
        self.calls.append(("end", trial.trial_id, failed))

    def on_experiment_end(self, trials: list[Any]) -> None:
        self.calls.append(("over",))


class Broken(Recorder):
    def log_trial_end(self, trial: Any, failed: bool) -> None:
        super().log_trial_end(trial, failed)
        raise ConnectionError("the server\nis gone.")


@pytest.fixture
def reports(make_study) -> tuple[Location, list[Report]]:
    """A study of six trials, and what a worker reports of each."""
    place, trials = make_study()
    found: list[Report] = []
    worker = Worker("s", place, lambda row, curve: found.append((row, curve)))
    for trial in trials:
        worker.run(trial)
    return place, found


def logs_of(place: Location, monkeypatch: pytest.MonkeyPatch, **loggers: Any) -> StudyLogs:
    monkeypatch.setattr(ray_logs, "_logger", lambda tool, study, folder: loggers[tool])
    return StudyLogs(tuple(loggers), "s", place)


def report(logs: StudyLogs, stored: list[Report]) -> dict[str, Any]:
    result = {"end": ["x"], "stored": stored}
    logs.on_trial_result(0, [], None, result)
    return result


def test_a_trial_starts_reports_and_ends(reports, monkeypatch: pytest.MonkeyPatch) -> None:
    place, stored = reports
    logger = Recorder()
    logs = logs_of(place, monkeypatch, tensorboard=logger)
    logs.start()
    # What Tune keeps of the result has no rows in it.
    assert report(logs, stored[:1]) == {"end": ["x"]}
    # Once more, as a batch that is started again does.
    report(logs, stored[:2])
    row, curve = stored[0]
    kinds = [call[0] for call in logger.calls]
    one = ["start", *["result"] * (len(curve) + 1), "end"]
    assert kinds == ["setup", *one, *one]
    _, trial_id, config = logger.calls[1]
    assert trial_id == row["trial_id"] == config["trial_id"]
    names = ("recipe", "config_index", "seed", "learning_rate", "num_epochs", "warmup_ratio", "bias_correction")
    assert {name: config[name] for name in names} == {name: row[name] for name in names}
    assert "adam_epsilon" not in config
    _, iteration, _, first = logger.calls[2]
    assert (iteration, first["timesteps_total"], first["loss"]) == (1, curve[0]["step"], curve[0]["loss"])
    last = logger.calls[1 + len(one) - 2][3]
    assert (last["score"], last["success"]) == (row["score"], float(row["outcome"] == "success"))
    assert logger.calls[len(one)] == ("end", row["trial_id"], False)


def test_what_is_not_finite_is_left_out(reports, monkeypatch: pytest.MonkeyPatch) -> None:
    place, ((row, curve), *_) = reports
    logger = Recorder()
    diverged = {**row, "score": math.nan, "train_loss": math.inf, "outcome": "failed", "best_score": None}
    report(logs_of(place, monkeypatch, mlflow=logger), [(diverged, [{**curve[0], "loss": math.nan}])])
    assert [call[0] for call in logger.calls] == ["start", "result", "result", "end"]
    assert "loss" not in logger.calls[1][3]
    assert logger.calls[2][3].keys() & {"score", "train_loss", "best_score"} == set()
    assert logger.calls[2][3]["success"] == 0.0


def test_a_crash_is_a_run_that_failed(make_study, make_trainable, monkeypatch: pytest.MonkeyPatch) -> None:
    place, (trial, *_) = make_study(trainable=make_trainable("raise ValueError('no luck')"))
    stored: list[Report] = []
    Worker("s", place, lambda row, curve: stored.append((row, curve))).run(trial)
    logger = Recorder()
    report(logs_of(place, monkeypatch, wandb=logger), stored)
    assert [call[0] for call in logger.calls] == ["start", "end"]
    assert logger.calls[1] == ("end", trial.trial_id, True)


def test_a_tool_that_fails_gets_no_more_and_the_others_go_on(reports, monkeypatch: pytest.MonkeyPatch) -> None:
    place, stored = reports
    broken, whole = Broken(), Recorder()
    logs = logs_of(place, monkeypatch, mlflow=broken, tensorboard=whole)
    report(logs, stored)
    logs.on_experiment_end([])
    assert [call[0] for call in broken.calls].count("start") == 1
    assert [call[0] for call in whole.calls].count("end") == 6
    assert (whole.calls[-1], broken.calls[-1][0]) == (("over",), "end")
    with pytest.warns(LogWarning) as caught:
        logs.tell()
    assert [str(warning.message) for warning in caught] == [
        "mlflow has not the whole log (ConnectionError: the server is gone); every trial is in the study all the same."
    ]


def test_a_tool_that_cannot_start_stops_the_search_in_one_line(reports, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = Recorder()
    monkeypatch.setattr(logger, "setup", lambda: 1 / 0)
    with pytest.raises(UserError) as caught:
        logs_of(reports[0], monkeypatch, wandb=logger).start()
    assert str(caught.value) == (
        "--log-to wandb cannot start: ZeroDivisionError: division by zero; mend it, or leave it out."
    )


def search(folder: Path, *tools: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A search by Ray of two configurations, two recipes and one seed, logged to these tools."""
    analytic = "--trainable tune_stability.training.analytic:run_trial --model analytic/x --task none --space lr"
    command = [sys.executable, "-W", "error::UserWarning:tune_stability", "-m", "tune_stability.search"]
    command += [*analytic.split(), "--num-configs", "2", "--seeds", "1", "--out", str(folder)]
    command += [word for tool in tools for word in ("--log-to", tool)]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.slow
def test_tensorboard_and_mlflow_show_the_scores_of_the_study(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="mlflow is missing")
    done = search(tmp_path / "study", "tensorboard,mlflow")
    assert done.returncode == 0, done.stderr
    assert "has not the whole log" not in done.stderr
    trials = load_results(tmp_path / "study").set_index("trial_id")
    assert len(trials) == 4
    assert read_tensorboard(tmp_path / "study" / "tensorboard") == {
        trial_id: pytest.approx((row["recipe"], row["score"], row["learning_rate"]))
        for trial_id, row in trials.iterrows()
    }
    assert read_mlflow(tmp_path / "study" / "mlflow" / "mlflow.db") == {
        trial_id: ("study", "FINISHED", row["recipe"], str(row["learning_rate"]), row["score"])
        for trial_id, row in trials.iterrows()
    }


def read_tensorboard(folder: Path) -> dict[str, Any]:
    """Recipe, last score and learning rate by trial id, as TensorBoard reads them."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is missing"
    )
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    found = {}
    for run in folder.iterdir():
        events = accumulator.EventAccumulator(str(run)).Reload()
        start = events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
        given = HParamsPluginData.FromString(start).session_start_info.hparams
        score = events.Scalars("ray/tune/score")[-1].value
        assert len(events.Scalars("ray/tune/loss")) == 3
        found[given["trial_id"].string_value] = (
            given["recipe"].string_value,
            score,
            given["learning_rate"].number_value,
        )
    return found


def read_mlflow(database: Path) -> dict[str, Any]:
    """Experiment, status, recipe, learning rate and score by trial id, from MLflow's own tables."""
    query = """
        select (select value from params p where p.run_uuid = r.run_uuid and key = 'trial_id'), e.name, r.status,
            (select value from params p where p.run_uuid = r.run_uuid and key = 'recipe'),
            (select value from params p where p.run_uuid = r.run_uuid and key = 'learning_rate'),
            (select value from latest_metrics m where m.run_uuid = r.run_uuid and key = 'score')
        from runs r join experiments e on e.experiment_id = r.experiment_id
    """
    with sqlite3.connect(database) as connection:
        rows = connection.execute(query).fetchall()
    connection.close()
    return {row[0]: row[1:] for row in rows}


@pytest.mark.slow
def test_wandb_keeps_a_run_for_each_trial_offline(tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is missing")
    done = search(tmp_path / "study", "wandb", WANDB_MODE="offline")
    assert done.returncode == 0, done.stderr
    ids = {re.sub(r".*-", "", path.name) for path in (tmp_path / "study" / "wandb").glob("*/wandb/offline-run-*")}
    assert ids == set(load_results(tmp_path / "study")["trial_id"])
