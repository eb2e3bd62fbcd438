from __future__ import annotations

from collections.abc import Callable

import pytest

from tune_stability.recipes import DEVLIN, STABLE
from tune_stability.spaces import get_space
from tune_stability.studies import StudySpec

SpecMaker = Callable[..., StudySpec]


@pytest.fixture
def make_spec() -> SpecMaker:
    """Makes a study of the analytic trainable, with what is given changed."""

    def make(**changes: object) -> StudySpec:
        fields = {
            "name": "s",
            "model": "analytic/x",
            "model_revision": "",
            "task": "none",
            "task_fingerprint": "",
            "trainable": "tune_stability.training.analytic:run_trial",
            "space": get_space("wide", 2e-5),
            "recipes": (DEVLIN, STABLE),
            "reference_learning_rate": 2e-5,
            "sampler": "sobol",
            "design_seed": 0,
            "num_configs": 8,
            "num_seeds": 3,
        }
        return StudySpec(**{**fields, **changes})  # type: ignore[arg-type]

    return make
