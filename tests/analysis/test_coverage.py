"""Whether the intervals cover the truth as often as they say, over simulated studies with a known answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tune_stability.analysis import unit_points, widening
from tune_stability.recipes import Recipe, get_recipe
from tune_stability.sampling.designs import design_points
from tune_stability.spaces import get_space
from tune_stability.training.analytic import PLATEAU, RAMP, basin_edges, success_probability, true_success_rate

STUDIES, N_CONFIGS, N_SEEDS, REPLICATES = 2000, 32, 3, 8
SPACE = get_space("wide", 2e-5)
ARMS = get_recipe("devlin"), get_recipe("stable")


def closed_form(recipe: Recipe) -> Callable[[pd.DataFrame], np.ndarray]:
    """`success_probability` for a table of configurations at once; its edges are linear, so three trials tell them."""
    pinned = recipe.hyperparameters(2e-5)
    at = [(1, 0.0), (10, 0.0), (1, 1.0)]
    edges = np.array([basin_edges(pinned.replace(num_epochs=epochs, warmup_ratio=warmup)) for epochs, warmup in at])

    def probability(table: pd.DataFrame) -> np.ndarray:
        x = np.log10(table["learning_rate"].to_numpy() / 2e-5)
        changes = np.log10(table["num_epochs"].to_numpy()), table["warmup_ratio"].to_numpy()
        lower, upper = (
            edges[0, side] + sum((edges[k + 1, side] - edges[0, side]) * change for k, change in enumerate(changes))
            for side in (0, 1)
        )
        return PLATEAU * (np.clip((x - lower) / RAMP + 0.5, 0, 1) - np.clip((x - upper) / RAMP + 0.5, 0, 1))

    return probability


def configurations(cube: np.ndarray) -> pd.DataFrame:
    """As a real study has them: with whole numbers of epochs."""
    return pd.DataFrame({axis.name: [axis.value(u) for u in cube[:, j]] for j, axis in enumerate(SPACE.axes)})


@pytest.mark.parametrize("recipe", ARMS, ids=lambda recipe: recipe.name)
def test_the_closed_form_for_tables_is_that_of_the_trainable(recipe: Recipe) -> None:
    table = configurations(np.random.default_rng(0).random((200, 3)))
    pinned = recipe.hyperparameters(2e-5)
    expected = [success_probability(pinned.replace(**row)) for row in table.to_dict("records")]  # type: ignore[arg-type]
    np.testing.assert_allclose(closed_form(recipe)(table), expected, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("design", ["sobol", "random"])
def test_intervals_cover_the_truth_in_93_to_97_percent_of_studies(design: str) -> None:
    rng = np.random.default_rng(0)
    probabilities = [closed_form(arm) for arm in ARMS]
    rates = [true_success_rate(arm, SPACE) for arm in ARMS]
    truths = {
        "baseline": rates[0],
        "treatment": rates[1],
        "difference": rates[1] - rates[0],
        "ratio": rates[1] / rates[0],
    }
    labels = np.arange(N_CONFIGS) % REPLICATES
    covered = dict.fromkeys(truths, 0)
    for _ in range(STUDIES):
        # Every study has its own design.
        cube = design_points(design, N_CONFIGS, len(SPACE.axes), int(rng.integers(2**32)), replicates=REPLICATES)
        table = configurations(cube)
        success = [(rng.random((N_CONFIGS, N_SEEDS)) < p(table)[:, None]).astype(float) for p in probabilities]
        result = widening(*success, unit_points(table, SPACE), design, replicate=labels)  # type: ignore[arg-type]
        for name, truth in truths.items():
            interval = getattr(result, name)
            covered[name] += interval.low <= truth <= interval.high
    shares = {name: count / STUDIES for name, count in covered.items()}
    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares
