from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pandas as pd
import pytest

from tune_stability.recipes import get_recipe
from tune_stability.sampling.designs import design_points
from tune_stability.spaces import SearchSpace, get_space

WIDE = get_space("wide", 2e-5)
FrameMaker = Callable[..., pd.DataFrame]


@pytest.fixture
def make_frame() -> FrameMaker:
    """Makes a table of trials in which `letter(recipe, index, seed)` says how each ended.

    s is a success, e an error, and the first letter of a failure mode a failed trial.
    """

    def make(
        letter: Callable[[str, int, int], str], n_configs: int = 16, n_seeds: int = 2, space: SearchSpace = WIDE
    ) -> pd.DataFrame:
        modes = {"d": "diverged", "v": "vanishing_gradients", "u": "undertrained", "n": "no_generalization"}
        rows = []
        for index, point in enumerate(design_points("sobol", n_configs, len(space.axes), 0)):
            for recipe in ("devlin", "stable"):
                own = get_recipe(recipe).hyperparameters(2e-5).replace(**space.configuration(point))
                for k in range(n_seeds):
                    how = letter(recipe, index, k)
                    rows.append(
                        {
                            "recipe": recipe,
                            "config_index": index,
                            "source": "design",
                            "seed": 1000 * index + k,
                            "status": "error" if how == "e" else "completed",
                            "metric": None if how == "e" else "matthews_correlation",
                            "score": {"s": 0.5 + 0.01 * k, "e": None}.get(how, 0.0),
                            "majority_score": None if how == "e" else 0.0,
                            "outcome": {"s": "success", "e": None}.get(how, "failed"),
                            "failure_mode": modes.get(how),
                            **dataclasses.asdict(own),
                        }
                    )
        return pd.DataFrame(rows)

    return make
