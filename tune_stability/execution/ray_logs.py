"""Ray's own callbacks for TensorBoard, MLflow and Weights & Biases, one run for each trial of the study.

To Tune a trial is a batch of this study's, so its callbacks, left alone, would log batches. Here each trial that a
batch reports is shown to them as a Tune trial of its own, which starts, reports its logged steps and its result, and
ends. So a run appears as a whole once its trial has ended, and what an earlier search stored is not logged again.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ray.tune import Callback
from ray.tune.logger import LoggerCallback
from ray.tune.result import TIMESTEPS_TOTAL, TRAINING_ITERATION

from tune_stability.errors import LogWarning, UserError
from tune_stability.execution.logs import LOG_TOOLS
from tune_stability.store import Location, read_study

Row = Mapping[str, Any]
LABELS = ("recipe", "config_index", "seed", "source", "model", "task", "status")
RESULTS = ("score", "best_score", "majority_score", "train_loss", "steps", "seconds")


@dataclass(eq=False)
class LoggedTrial:
    """What Ray's callbacks read of a Tune trial. It is hashed by what it is, as Tune's own is."""

    trial_id: str
    config: dict[str, Any]
    folder: str
    experiment_dir_name: str

    def __str__(self) -> str:
        return f"{self.config['recipe']}-{self.config['config_index']}-{self.config['seed']}-{self.trial_id[:8]}"

    @property
    def evaluated_params(self) -> dict[str, Any]:
        """The columns of TensorBoard's table of hyperparameters."""
        return self.config

    @property
    def local_path(self) -> str:
        """Where the tool keeps files of this trial."""
        return os.path.join(self.folder, str(self))

    def init_local_path(self) -> None:
        """Make that folder."""
        os.makedirs(self.local_path, exist_ok=True)


class StudyLogs(Callback):
    """Shows every trial that ends to the callbacks of some tools.

    A tool that fails gets no more, and `tell` says so: the study does not depend on it.
    """

    def __init__(self, tools: Sequence[str], study: str, location: Location) -> None:
        self._study = study
        self._folders = {tool: location.log_folder(tool) for tool in tools}
        self._loggers = {tool: _logger(tool, study, folder) for tool, folder in self._folders.items()}
        self._failures: dict[str, Exception] = {}
        self._seen: set[str] = set()
        spec = read_study(location)
        pinned = {name for recipe in spec.recipes for name in recipe.pinned()}
        self._hyperparameters = [*spec.space.names, *sorted(pinned - {*spec.space.names})]

    def start(self) -> None:
        """Let every tool get ready. Raises `UserError` if one cannot."""
        for tool, logger in self._loggers.items():
            try:
                logger.setup()
            except Exception as error:  # of the tool's own client: whatever it is, the person can act on it
                raise UserError(f"--log-to {tool} cannot start: {_brief(error)}; mend it, or leave it out.") from error

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        # Taken out, because Tune keeps what it reports.
        for row, curve in result.pop("stored", ()):
            # A batch started again repeats its first trials.
            if row["trial_id"] not in self._seen:
                self._seen.add(row["trial_id"])
                self._each(lambda tool, logger, row=row, curve=curve: self._log(tool, logger, row, curve))

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        self._each(lambda _, logger: logger.on_experiment_end([], **info))

    def tell(self) -> None:
        """Warn of every tool that failed."""
        for tool, failure in self._failures.items():
            warnings.warn(
                f"{tool} has not the whole log ({_brief(failure)}); every trial is in the study all the same.",
                LogWarning,
                stacklevel=2,
            )

    def _each(self, show: Any) -> None:
        for tool, logger in self._loggers.items():
            if tool in self._failures:
                continue
            try:
                show(tool, logger)
            except Exception as failure:  # a log is no reason to lose a trial
                self._failures[tool] = failure

    def _log(self, tool: str, logger: LoggerCallback, row: Row, curve: Sequence[Row]) -> None:
        config = {name: row[name] for name in (*LABELS, *self._hyperparameters)} | {"trial_id": row["trial_id"]}
        trial: Any = LoggedTrial(row["trial_id"], config, self._folders[tool], self._study)
        if tool != "mlflow":
            trial.init_local_path()
        logger.log_trial_start(trial)
        # MLflow's database takes 15 ms a number, so it gets only the steps at which the model was evaluated.
        points = [point for point in curve if tool != "mlflow" or point["score"] is not None]
        for iteration, point in enumerate(points, start=1):
            step = {"loss": point["loss"], "learning_rate": point["learning_rate"], "validation_score": point["score"]}
            logger.log_trial_result(iteration, trial, _reported(step, iteration, point["step"]))
        completed = row["status"] == "completed"
        if completed:
            last = {name: row[name] for name in RESULTS} | {"success": float(row["outcome"] == "success")}
            logger.log_trial_result(len(points) + 1, trial, _reported(last, len(points) + 1, row["steps"]))
        logger.log_trial_end(trial, failed=not completed)


def _reported(numbers: Mapping[str, Any], iteration: int, step: int) -> dict[str, Any]:
    """What Tune would report, without what is missing or not finite, which no tool takes."""
    finite = {name: float(x) for name, x in numbers.items() if x is not None and math.isfinite(x)}
    return {**finite, TRAINING_ITERATION: iteration, TIMESTEPS_TOTAL: step}


def _logger(tool: str, study: str, folder: str) -> LoggerCallback:
    if tool == "tensorboard":
        from ray.tune.logger import TBXLoggerCallback

        return TBXLoggerCallback()
    if tool == "mlflow":
        # It would send usage data.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from ray.air.integrations.mlflow import MLflowLoggerCallback

        os.makedirs(folder, exist_ok=True)
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder}/mlflow.db"
        return MLflowLoggerCallback(tracking_uri=uri, experiment_name=study)
    if tool == "wandb":
        from ray.air.integrations.wandb import WandbLoggerCallback

        project = os.environ.get("WANDB_PROJECT") or "tune_stability"
        return WandbLoggerCallback(project=project, group=study, resume="allow")
    raise ValueError(f"{tool} is none of {LOG_TOOLS}")


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300].rstrip(".")
