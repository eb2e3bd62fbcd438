from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tune_stability.analysis import Interval, blaker, needed_at, seeds_needed, success_rate, trials_needed
from tune_stability.errors import UserError


def rate(estimate: float, low: float, high: float) -> Interval:
    return Interval(estimate, low, high, 0.95, 16, 48, 0, "m")


@pytest.mark.parametrize(
    ("p", "chance", "n"),
    [
        (0.5, 0.95, 5),  # 1 - 0.5**4 = 0.9375, 1 - 0.5**5 = 0.96875
        (0.5, 0.75, 2),  # exactly 0.75
        (0.1, 0.95, 29),  # 0.9**28 = 0.0523, 0.9**29 = 0.0471
        (0.95, 0.95, 1),
        (1.0, 0.95, 1),
        (0.0, 0.95, math.inf),
    ],
)
def test_by_hand(p: float, chance: float, n: float) -> None:
    assert needed_at(rate(p, p, p), chance).estimate == n


def test_the_interval_is_turned_around() -> None:
    result = needed_at(rate(0.5, 0.1, 0.95))
    assert (result.low, result.estimate, result.high) == (1, 5, 29)
    assert (result.n_configs, result.n_trials) == (16, 48)


def test_what_is_said_of_the_rate_stays_said() -> None:
    result = needed_at(rate(0.5, 0.1, 0.9).distrusted("Few."))
    assert (result.trustworthy, result.note) == (False, "Few.")


def test_of_a_region_it_is_that_of_its_rate() -> None:
    success = np.tile([[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 1, 1]], (8, 1))
    found = success_rate(success)
    result = trials_needed(success)
    assert (result.low, result.high) == (needed_at(found).low, needed_at(found).high)
    assert math.isfinite(result.high)


def test_of_one_configuration_it_is_blakers() -> None:
    result = seeds_needed([1, 0, 0, 1, np.nan, 0, 1, 1, 1])
    low, high = blaker(5, 8)
    assert result.estimate == math.ceil(math.log(0.05) / math.log(3 / 8))
    assert result.low == math.ceil(math.log(0.05) / math.log(1 - high))
    assert result.high == math.ceil(math.log(0.05) / math.log(1 - low))
    assert (result.n_configs, result.n_trials, result.missing) == (1, 8, 1)


def test_seeds_of_one_random_configuration_are_not_trials_of_the_region() -> None:
    # Half of the configurations always succeed, half never: five trials of the region, but of seeds none suffice.
    assert trials_needed([[1, 1], [0, 0]] * 16).estimate == 5
    assert seeds_needed([1, 1]).estimate == 1
    assert seeds_needed([0, 0]).estimate == math.inf


@pytest.mark.parametrize("success", [[0, 0, 0], [[0, 0]] * 16])
def test_no_success_needs_perhaps_infinitely_many(success: list[object]) -> None:
    result = seeds_needed(success) if np.ndim(success) == 1 else trials_needed(success)
    assert (result.estimate, result.high) == (math.inf, math.inf)
    assert 1 < result.low < 60
    assert "only the lower limit" in result.note


def test_all_success() -> None:
    result = seeds_needed([1] * 25)
    assert (result.estimate, result.low) == (1, 1)
    assert result.high == 2  # 25 of 25 leave a probability of 0.88, and 0.12**2 < 0.05


def test_no_trials() -> None:
    for result in (seeds_needed([]), seeds_needed([np.nan]), trials_needed(np.empty((0, 3)))):
        assert math.isnan(result.estimate)
        assert (result.low, result.high, result.trustworthy) == (1, math.inf, False)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from([0.0, 1.0, math.nan]), max_size=20), st.floats(0.05, 0.99))
def test_more_chance_needs_more_and_order_nothing(success: list[float], chance: float) -> None:
    result, more = seeds_needed(success, chance), seeds_needed(success, (1 + chance) / 2)
    assert repr(result) == repr(seeds_needed(success[::-1], chance))
    assert result.low <= more.low
    assert result.high <= more.high
    assert not result.low > result.high


@pytest.mark.parametrize("chance", [0.0, 1.0, math.nan, -1.0])
def test_bad_chance(chance: float) -> None:
    with pytest.raises(UserError, match="chance is a probability"):
        seeds_needed([1, 0], chance)
    with pytest.raises(UserError, match="chance is a probability"):
        trials_needed([[1, 0]], chance=chance)


def test_bad_success() -> None:
    with pytest.raises(UserError, match=r"shape \(n_seeds,\)"):
        seeds_needed([[1, 0]])
    with pytest.raises(UserError, match="only 1"):
        seeds_needed([0.5])
