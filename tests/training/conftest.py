from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from tune_stability.hyperparameters import Hyperparameters
from tune_stability.tasks.grammar import load_grammar
from tune_stability.training import prepared
from tune_stability.trials import TrialConfig, TrialResult


@pytest.fixture
def small_trial(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., TrialConfig]]:
    """Makes trials of micro-bert on 64 examples, four steps an epoch, with what is given changed."""
    task = load_grammar(64, 50)
    monkeypatch.setattr(prepared, "load_task", lambda *_: task)

    def make(**changes: object) -> TrialConfig:
        return TrialConfig(
            model="micro-bert",
            model_revision="",
            task="grammar",
            task_fingerprint="of 64",
            hyperparameters=Hyperparameters(learning_rate=3e-4, num_epochs=2).replace(**changes),
            seed=0,
            recipe="x",
            config_index=0,
        )

    yield make
    prepared._prepare.cache_clear()


@pytest.fixture
def numbers() -> Callable[[TrialResult], str]:
    """All that a run determines, exactly; as text, so that NaN equals NaN."""
    return lambda result: repr((dataclasses.replace(result, seconds=0.0), result.curve, result.gradients))
