"""Sizes of studies planned from a pilot or the worst case, and whether such studies keep the promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tune_stability.analysis import widening
from tune_stability.analysis.planning_sizes import PairedVariance, needed_configs, paired_variance, worst_case
from tune_stability.errors import UserError
from tune_stability.sampling.designs import design_points

WORST_CASE = worst_case()


def test_the_parts_of_the_variance_by_hand() -> None:
    # Differences, configuration by configuration: (1, 1), (0, 0), (1, 0), (0, 1), twice.
    first = np.zeros((8, 2))
    second = np.array([[1, 1], [0, 0], [1, 0], [0, 1]] * 2)
    found = paired_variance(first, second, design="random")
    # Means 1, 0, 1/2, 1/2, twice: squares about 1/2 add up to 1, over 7. Within: four pairs of variance 1/2, of eight.
    assert found is not None
    assert found.within == pytest.approx(0.25)
    assert found.between == pytest.approx(1 / 7 - 0.25 / 2)
    assert found.pilot == 8
    # With one seed the two cannot be told apart.
    single = paired_variance(first[:, :1], second[:, :1], design="random")
    assert single == PairedVariance(pytest.approx(second[:, 0].var(ddof=1)), 0.0, 8)


def test_missing_trials_are_left_out_and_small_pilots_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.random((2, 12, 2)) < 0.5) * 1.0
    first[:2] = np.nan
    second[5, 0] = np.nan
    assert paired_variance(first, second, design="random") == paired_variance(first[2:], second[2:], design="random")
    first[:5] = np.nan
    assert paired_variance(first, second, design="random") is None
    assert paired_variance(first * np.nan, second, design="random") is None
    assert paired_variance(np.empty((0, 2)), np.empty((0, 2)), design="random") is None


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_pairs_that_all_agree_are_no_certainty(value: float) -> None:
    same = np.full((15, 3), value)
    found = paired_variance(same, same, design="random")
    assert found == PairedVariance(1 / 16, 0.0, 15)


def test_arms_of_different_shape() -> None:
    with pytest.raises(UserError, match="same shape"):
        paired_variance(np.ones((9, 2)), np.ones((9, 1)))


@pytest.mark.parametrize(
    ("variance", "width", "n_seeds", "configs"),
    [
        # (2 * 1.97 / width)^2 * (between + within / seeds), up to the next multiple of 8.
        (WORST_CASE, 0.2, 1, 392),
        (WORST_CASE, 0.2, 9, 392),
        (PairedVariance(0.1, 0.4), 0.2, 1, 200),
        (PairedVariance(0.1, 0.4), 0.2, 4, 80),
        (PairedVariance(0.0, 1e-9), 0.2, 1, 8),
    ],
)
def test_needed_configs(variance: PairedVariance, width: float, n_seeds: int, configs: int) -> None:
    assert needed_configs(variance, width, n_seeds) == configs
    assert variance.width(configs, n_seeds) <= width
    if configs > 8:
        assert variance.width(configs - 8, n_seeds) > width
        quantile = stats.t.ppf(0.975, configs - 1)
        exact = (2 * quantile / width) ** 2 * (variance.between + variance.within / n_seeds)
        assert configs - 8 < math.ceil(exact) <= configs


def test_a_higher_level_needs_more() -> None:
    assert needed_configs(WORST_CASE, 0.2, 1, lambda n: 0.99) > 1.6 * needed_configs(WORST_CASE, 0.2, 1)


@pytest.mark.parametrize("n", [0, 1])
def test_one_configuration_has_the_widest_interval(n: int) -> None:
    assert WORST_CASE.width(n, 3) == 2.0
    assert WORST_CASE.width(2, 3) == 2.0


@pytest.mark.parametrize(("width", "n_seeds"), [(0.0, 1), (2.0, 1), (-0.1, 1), (math.nan, 1), (0.1, 0)])
def test_bad_plans(width: float, n_seeds: int) -> None:
    with pytest.raises(UserError, match="received"):
        needed_configs(WORST_CASE, width, n_seeds)


def smooth(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of two arms with a ramp each, shape `(n, 1)`."""
    return np.clip(points[:, :1] * 1.5 - 0.5, 0, 1), np.clip(points[:, :1] * 1.5, 0, 0.9)


@pytest.mark.parametrize("n_seeds", [1, 3])
@pytest.mark.parametrize("width", [0.3, 0.2])
def test_studies_of_the_planned_size_have_the_promised_width(width: float, n_seeds: int) -> None:
    rng = np.random.default_rng(1)
    pilots, widths = [], []
    for _ in range(40):
        first, second = ((rng.random((32, 2)) < p) * 1.0 for p in smooth(rng.random((32, 2))))
        pilots.append(paired_variance(first, second, design="random"))
    sizes = [needed_configs(pilot, width, n_seeds) for pilot in pilots if pilot is not None]
    for size in sizes:
        first, second = ((rng.random((size, n_seeds)) < p) * 1.0 for p in smooth(rng.random((size, 2))))
        interval = widening(first, second, design="random").difference
        widths.append(interval.high - interval.low)
    # Up to the next multiple of 8 makes small studies somewhat narrower.
    assert 0.82 * width < np.mean(widths) < 1.05 * width


def test_scrambles_have_few_degrees_of_freedom_and_so_need_more() -> None:
    # Of 8 scrambles 7 degrees: 2.365 for 1.96.
    assert worst_case(7).width(400, 1) == pytest.approx(2 * 2.3646 / 20, rel=1e-4)
    assert needed_configs(worst_case(7), 0.2, 1) == 560


@pytest.mark.parametrize("n_seeds", [1, 2])
def test_studies_of_a_sobol_design_are_planned_smaller_and_no_wider_than_promised(n_seeds: int) -> None:
    rng = np.random.default_rng(2)
    sizes, blind, widths = [], [], []
    for seed in range(60):
        points, label = design_points("sobol", 32, 2, seed, replicates=8), np.arange(32) % 8
        first, second = ((rng.random((32, 2)) < p) * 1.0 for p in smooth(points))
        aware = paired_variance(first, second, points, "sobol", label)
        alone = paired_variance(first, second, design="random")
        assert aware is not None
        assert alone is not None
        assert aware.freedom == 7
        assert aware.within == alone.within
        assert aware.between <= alone.between
        sizes.append(needed_configs(aware, 0.3, n_seeds))
        blind.append(needed_configs(PairedVariance(alone.between, alone.within, 32, 7), 0.3, n_seeds))
        size = sizes[-1]
        places = design_points("sobol", size, 2, 1000 + seed, replicates=8)
        first, second = ((rng.random((size, n_seeds)) < p) * 1.0 for p in smooth(places))
        interval = widening(first, second, places, replicate=np.arange(size) % 8).difference
        widths.append(interval.high - interval.low)
    assert np.mean(sizes) < 0.95 * np.mean(blind)
    assert 0.75 * 0.3 < np.mean(widths) < 1.05 * 0.3
