"""A small study of two arms in which trials succeed, fail, diverge and crash, of design and adaptive rows."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.recipes import DEVLIN, STABLE, Recipe
from tune_stability.sampling.enumeration import configuration_trials
from tune_stability.spaces import SearchSpace
from tune_stability.store import (
    Provenance,
    completed_row,
    error_row,
    load_results,
    locate,
    open_study,
    write_trial,
)
from tune_stability.studies import StudySpec
from tune_stability.trials import TrialResult

SPACE = SearchSpace(
    "mine",
    (
        Axis("learning_rate", 1e-5, 1e-2, "log"),
        Axis("num_epochs", 1, 20, "log"),
        Axis("warmup_ratio", 0, 0.3, "linear"),
        ChoiceAxis("batch_size", (16, 32)),
        ChoiceAxis("group_by_length", (False, True)),
        ChoiceAxis("lr_scheduler_type", ("linear", "cosine")),
    ),
)
# The corners of the space, so that rounding at a bound would show.
POINTS = ([0.0] * 6, [1.0] * 6, [0.3, 0.5, 0.7, 0.2, 0.8, 0.6])
SCORES = {0: 0.9, 1: 0.1, 2: math.nan}
PROVENANCE = Provenance(
    tune_stability_version="0.1.0",
    python_version="3.11",
    torch_version=None,
    transformers_version=None,
    git_commit=None,
)
START = datetime(2024, 5, 1, 12, tzinfo=UTC)
TRACEBACK = 'Traceback:\n  File "a, b"\nMemoryError: =1+1'


def result(score: float) -> TrialResult:
    return TrialResult(
        metric="accuracy",
        score=score,
        majority_score=0.5,
        best_score=score,
        best_step=2,
        train_loss=score,
        chance_loss=0.69,
        predicted_share=(0.25, 1 / 3) if score == score else (),
        steps=2,
        seconds=1.5,
        device="cpu",
    )


@pytest.fixture
def study(tmp_path: Path) -> tuple[str, StudySpec, pd.DataFrame]:
    """The folder, the spec, and the trials: 3 configurations by 2 recipes by 2 seeds.

    The first configuration succeeds, the second fails, the third, an adaptive one, diverges. The last trial of the
    recipe stable crashed.
    """
    return make(tmp_path, (DEVLIN, STABLE))


def make(folder: Path, recipes: tuple[Recipe, ...]) -> tuple[str, StudySpec, pd.DataFrame]:
    spec = StudySpec(
        name="s",
        model="tiny",
        model_revision="r1",
        task="none",
        task_fingerprint="f1",
        trainable="package.module:function",
        space=SPACE,
        recipes=recipes,
        reference_learning_rate=2e-5,
        sampler="sobol",
        design_seed=0,
        num_configs=3,
        num_seeds=2,
    )
    place = locate(folder / "study")
    open_study(place, spec)
    for index, point in enumerate(POINTS):
        source = "adaptive" if index == 2 else "design"
        trials = configuration_trials(spec, index, SPACE.configuration(point), source)
        for config in trials:
            started = START + timedelta(seconds=10 * config.seed)
            if config.recipe == recipes[-1].name and config.seed == 2001:
                row = error_row("s", config, TRACEBACK, PROVENANCE, started, 0.5)
            else:
                row = completed_row("s", config, result(SCORES[index]), PROVENANCE, started)
            write_trial(place, row)
    return str(folder / "study"), spec, load_results(place)
