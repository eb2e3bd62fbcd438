from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats
from scipy.stats import qmc

from tune_stability.analysis.slices import slice_along
from tune_stability.analysis.surface import fit_surface
from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.recipes import get_recipe
from tune_stability.spaces import SearchSpace, get_space

WIDE = get_space("wide", 2e-5)
POINTS = qmc.Sobol(3, scramble=True, rng=0).random(64)
DEVLIN, STABLE = (get_recipe(name).hyperparameters(2e-5) for name in ("devlin", "stable"))


@pytest.fixture(scope="module")
def fitted():
    """Success where the learning rate's position and that of the epochs add up to more than 1."""
    return fit_surface(np.tile((POINTS[:, 0] + POINTS[:, 2] > 1.0)[:, None], (1, 3)).astype(float), POINTS)


def test_each_recipe_has_its_own_epochs_and_warmup(fitted) -> None:
    few, many = (slice_along(fitted, WIDE, "learning_rate", at) for at in (DEVLIN, STABLE))
    assert few.held == {"warmup_ratio": 0.1, "num_epochs": 3}
    assert many.held == {"warmup_ratio": 0.1, "num_epochs": 20}
    # The edge is at 1 less the position of the epochs.
    for one, epochs in ((few, 3), (many, 20)):
        edge = one.values[int(np.argmax(one.probability > 0.5))]
        assert WIDE.axes[0].position(edge) == pytest.approx(1 - WIDE.axes[2].position(epochs), abs=0.12)


def test_the_slice_is_the_surface_there_with_the_posterior_s_band(fitted) -> None:
    one = slice_along(fitted, WIDE, "learning_rate", DEVLIN, n=5, level=0.9)
    assert one.values == pytest.approx([WIDE.axes[0].value(u) for u in (0, 0.25, 0.5, 0.75, 1)])
    points = [[u, 0.1 / 0.3, WIDE.axes[2].position(3)] for u in (0, 0.25, 0.5, 0.75, 1)]
    mean, sd = fitted.latent(points)
    np.testing.assert_allclose(one.probability, fitted.probability(points))
    np.testing.assert_allclose(one.high, special.expit(mean + stats.norm.ppf(0.95) * sd))
    np.testing.assert_allclose(one.low, special.expit(mean - stats.norm.ppf(0.95) * sd))
    assert np.all((one.low <= one.probability) & (one.probability <= one.high))


def test_whole_numbers_and_choices_have_each_value_once(fitted) -> None:
    assert slice_along(fitted, WIDE, "num_epochs", STABLE).values == tuple(range(1, 21))
    choices = ChoiceAxis("lr_scheduler_type", ("linear", "cosine"))
    space = SearchSpace("own", (WIDE.axes[0], WIDE.axes[1], choices))
    one = slice_along(fitted, space, "lr_scheduler_type", STABLE)
    assert one.values == ("linear", "cosine")
    middles = [[WIDE.axes[0].position(2e-5), 0.1 / 0.3, u] for u in (0.25, 0.75)]
    np.testing.assert_allclose(one.probability, fitted.probability(middles))


def test_a_constant_surface_has_a_flat_slice() -> None:
    one = slice_along(fit_surface(np.ones((64, 2)), POINTS), WIDE, "learning_rate", STABLE)
    assert len(set(one.probability)) == len(set(one.low)) == 1
    assert one.low[0] < 0.97 < one.high[0]


@pytest.mark.parametrize(
    ("space", "axis", "said"),
    [
        (WIDE, "learning_rte", "did you mean 'learning_rate'"),
        (WIDE, "batch_size", "unknown axis"),
        (get_space("lr", 2e-5), "learning_rate", "3 axes"),
        (
            SearchSpace("own", (WIDE.axes[0], WIDE.axes[1], Axis("num_epochs", 1, 10))),
            "learning_rate",
            "num_epochs is 20, the space has it from 1 to 10",
        ),
        (
            SearchSpace("own", (WIDE.axes[0], WIDE.axes[1], ChoiceAxis("num_epochs", (3, 5)))),
            "learning_rate",
            "num_epochs is 20",
        ),
    ],
)
def test_bad_input_is_one_line(fitted, space: SearchSpace, axis: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        slice_along(fitted, space, axis, STABLE)
    assert "\n" not in str(caught.value)
