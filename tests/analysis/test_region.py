from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import qmc

from tune_stability.analysis.region import region_at, regions_at
from tune_stability.analysis.success_rate import t_quantile, wilson
from tune_stability.analysis.surface import fit_surface
from tune_stability.errors import UserError

POINTS = qmc.Sobol(1, scramble=True, rng=0).random(32)


def study(n_seeds: int = 3, seed: int = 0) -> np.ndarray:
    """Success with probability 0.9 where the point lies in [0.2, 0.7]; 0 elsewhere."""
    p = 0.9 * (np.abs(POINTS - 0.45) < 0.25)
    return (np.random.default_rng(seed).random((32, n_seeds)) < p).astype(float)


@pytest.fixture(scope="module")
def fitted():
    return fit_surface(study(), POINTS)


def test_the_region_of_a_known_basin(fitted) -> None:
    half = region_at(fitted, 0.5, np.random.default_rng(0))
    assert half.estimate == pytest.approx(0.5, abs=0.06)
    assert half.low < 0.5 < half.high
    assert half.high - half.low < 0.3
    assert half.method.startswith("model-based: region of the fitted surface at tau = 0.5")
    assert (half.n_configs, half.n_trials, half.missing, half.level) == (32, 96, 0, 0.95)
    assert half.trustworthy


def test_regions_shrink_as_tau_rises_and_are_those_of_each_tau(fitted) -> None:
    taus = (0.1, 0.5, 0.9)
    regions = regions_at(fitted, taus, np.random.default_rng(0))
    assert regions[0].estimate > regions[1].estimate > regions[2].estimate
    alone = tuple(region_at(fitted, tau, np.random.default_rng(0)) for tau in taus)
    assert alone == regions


def test_the_estimate_needs_no_luck_and_the_interval_repeats_with_the_generator(fitted) -> None:
    first, same, other = (region_at(fitted, 0.5, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first == same
    assert first.estimate == other.estimate
    assert (first.low, first.high) != (other.low, other.high)


def test_a_wider_level_is_wider(fitted) -> None:
    narrow, wide = (region_at(fitted, 0.5, np.random.default_rng(0), level=level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_a_region_that_is_never_reached_may_be_empty() -> None:
    success = np.zeros((32, 5))
    success[:, 0] = np.arange(32) % 4 == 0
    region = region_at(fit_surface(success, POINTS), 0.9, np.random.default_rng(0))
    assert (region.estimate, region.low) == (0.0, 0.0)
    # As a rate of which 32 configurations showed nothing.
    assert region.high == pytest.approx(wilson(0.0, 32, t_quantile(31, 0.95))[1])


@pytest.mark.parametrize("tau", [0.2, 0.5, 0.9])
def test_all_alike_is_bound_by_the_rate(tau: float) -> None:
    """By hand: with a rate of at least s, s <= region + (1 - region) tau; with one of at most s, region tau <= s."""
    full = region_at(fit_surface(np.ones((16, 2)), POINTS[:16]), tau, np.random.default_rng(0))
    least = wilson(1.0, 16, t_quantile(15, 0.95))[0]
    assert (full.estimate, full.high) == (1.0, 1.0)
    assert full.low == pytest.approx(max((least - tau) / (1 - tau), 0))
    empty = region_at(fit_surface(np.zeros((16, 2)), POINTS[:16]), tau, np.random.default_rng(0))
    assert (empty.estimate, empty.low) == (0.0, 0.0)
    assert empty.high == pytest.approx(min((1 - least) / tau, 1))
    assert "constant" in full.note
    assert "constant" in empty.note


def test_one_configuration_knows_nothing() -> None:
    region = region_at(fit_surface([[1, 0, 1]], [[0.5]]), 0.5, np.random.default_rng(0))
    assert (region.low, region.high, region.trustworthy) == (0.0, 1.0, False)
    assert "One configuration" in region.note


@pytest.mark.parametrize(
    ("n_configs", "tau", "said"),
    [(15, 0.5, "15 configurations are too few"), (65, 0.5, "Above 64 configurations"), (32, 0.9, "reaches 0.9")],
)
def test_where_the_interval_does_not_cover_it_is_not_trusted(n_configs: int, tau: float, said: str) -> None:
    points = (np.arange(n_configs)[:, None] + 0.5) / n_configs
    surface = fit_surface((points > 0.4).astype(float), points)
    region = region_at(surface, tau, np.random.default_rng(0))
    assert not region.trustworthy
    assert said in region.note
    assert 0 <= region.low <= region.estimate <= region.high <= 1


@pytest.mark.parametrize("tau", [0, 1, -0.5, 50, math.nan, math.inf])
def test_a_tau_outside_is_one_line(fitted, tau: float) -> None:
    with pytest.raises(UserError, match=r"tau must lie between 0 and 1, ends excluded, received") as caught:
        region_at(fitted, tau, np.random.default_rng(0))
    assert "\n" not in str(caught.value)
