from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import pandas as pd
import pytest
from scipy.stats import qmc

from tune_stability.outcomes import failure_mode
from tune_stability.recipes import get_recipe
from tune_stability.spaces import SearchSpace
from tune_stability.training.analytic import run_trial
from tune_stability.trials import TrialConfig

FrameMaker = Callable[..., pd.DataFrame]


@pytest.fixture(scope="session")
def analytic_frame() -> FrameMaker:
    """Makes the table of trials that a study of the analytic trainable leaves behind."""

    def make(space: SearchSpace, recipes: Sequence[str], n_configs: int, n_seeds: int, seed: int = 0) -> pd.DataFrame:
        points = qmc.Sobol(len(space.axes), scramble=True, rng=seed).random_base2(10)[:n_configs]
        rows = []
        for name in recipes:
            for index, point in enumerate(points):
                own = get_recipe(name).hyperparameters(2e-5).replace(**space.configuration(point))
                for k in range(n_seeds):
                    config = TrialConfig(
                        model="m",
                        model_revision="",
                        task="t",
                        task_fingerprint="",
                        hyperparameters=own,
                        seed=1000 * index + k,
                        recipe=name,
                        config_index=index,
                    )
                    result = run_trial(config)
                    won = result.score > result.majority_score
                    mode = failure_mode(
                        result.train_loss, result.chance_loss, result.gradient_start, result.gradient_end
                    )
                    rows.append(
                        {
                            "trial_id": config.trial_id,
                            "recipe": name,
                            "config_index": index,
                            "source": "design",
                            "seed": config.seed,
                            "status": "completed",
                            "score": result.score,
                            "majority_score": result.majority_score,
                            "outcome": "success" if won else "failed",
                            "failure_mode": None if won else mode,
                            **dataclasses.asdict(own),
                        }
                    )
        return pd.DataFrame(rows)

    return make
