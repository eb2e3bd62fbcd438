"""Small studies and trials to store."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import pytest

from tune_stability import Hyperparameters, TrialConfig, TrialResult
from tune_stability.recipes import DEVLIN, STABLE
from tune_stability.spaces import get_space
from tune_stability.store import (
    Location,
    Provenance,
    completed_row,
    curve_rows,
    error_row,
    gradient_rows,
    locate,
    open_study,
    write_trial,
)
from tune_stability.studies import StudySpec
from tune_stability.trials import CurvePoint, GradientPoint

START = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)
PROVENANCE = Provenance(
    tune_stability_version="0.1.0",
    python_version="3.11.7",
    torch_version="2.9.0",
    transformers_version=None,
    git_commit=None,
)
CURVE = (CurvePoint(1, 0.7, 1e-5), CurvePoint(2, 0.5, 2e-5, 0.4))
GRADIENTS = (GradientPoint(1, "lower", 2.0), GradientPoint(1, "upper", 1.0))


@dataclass
class Maker:
    """Makes configs, results and rows, and writes whole trials."""

    def spec(self, **changes: object) -> StudySpec:
        fields = {
            "name": "first",
            "model": "tiny",
            "model_revision": "r1",
            "task": "grammar",
            "task_fingerprint": "f1",
            "trainable": "package.module:function",
            "space": get_space("wide", 2e-5),
            "recipes": (DEVLIN, STABLE),
            "reference_learning_rate": 2e-5,
            "sampler": "sobol",
            "design_seed": 0,
            "num_configs": 8,
            "num_seeds": 2,
        }
        return StudySpec(**{**fields, **changes})  # type: ignore[arg-type]

    def config(self, seed: int = 0, **changes: object) -> TrialConfig:
        fields = {
            "model": "tiny",
            "model_revision": "r1",
            "task": "grammar",
            "task_fingerprint": "f1",
            "hyperparameters": Hyperparameters(),
            "seed": seed,
            "recipe": "stable",
            "config_index": 0,
        }
        return TrialConfig(**{**fields, **changes})  # type: ignore[arg-type]

    def result(self, **changes: object) -> TrialResult:
        fields = {
            "metric": "mcc",
            "score": 0.4,
            "majority_score": 0.0,
            "best_score": 0.5,
            "best_step": 2,
            "train_loss": 0.2,
            "chance_loss": 0.6,
            "predicted_share": (0.25, 0.75),
            "steps": 2,
            "seconds": 1.5,
            "device": "cpu",
            "curve": CURVE,
            "gradients": GRADIENTS,
        }
        return TrialResult(**{**fields, **changes})  # type: ignore[arg-type]

    def completed(self, config: TrialConfig, hours: float = 0, **changes: object) -> dict[str, object]:
        started = START + datetime.timedelta(hours=hours)
        return completed_row("first", config, self.result(**changes), PROVENANCE, started)

    def error(self, config: TrialConfig, hours: float = 0, traceback: str = "ValueError: no") -> dict[str, object]:
        return error_row("first", config, traceback, PROVENANCE, START + datetime.timedelta(hours=hours), 0.5)

    def write(self, place: Location, config: TrialConfig, hours: float = 0, **changes: object) -> None:
        """Store a completed trial with its curve and gradients."""
        result = self.result(**changes)
        steps = curve_rows(config.trial_id, result), gradient_rows(config.trial_id, result)
        write_trial(place, self.completed(config, hours, **changes), *steps)


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
def study(tmp_path: Path, make: Maker) -> Location:
    """An empty study."""
    place = locate(tmp_path / "study")
    open_study(place, make.spec())
    return place
