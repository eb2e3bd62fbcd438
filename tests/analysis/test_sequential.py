"""Looks that stop a study: when they come, how much error each spends, and when they say enough."""

from __future__ import annotations

import numpy as np
import pytest

from tune_stability.analysis import last_look, look_level, look_sizes, take_look, widening
from tune_stability.errors import UserError


@pytest.mark.parametrize(
    ("most", "sizes"),
    [
        (1, (1,)),
        (15, (15,)),
        (16, (16,)),
        (17, (16, 17)),
        (64, (16, 32, 48, 64)),
        (100, (16, 32, 48, 64, 96, 100)),
        (512, (16, 32, 48, 64, 96, 128, 192, 256, 384, 512)),
    ],
)
def test_looks_come_at_powers_of_two_and_halfway_and_end_at_the_most(most: int, sizes: tuple[int, ...]) -> None:
    assert look_sizes(most) == sizes


@pytest.mark.parametrize("most", [1, 16, 40, 64, 512, 1000])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_error_is_spent_in_proportion_to_the_configurations_and_adds_up(most: int, level: float) -> None:
    sizes = np.array([0, *look_sizes(most)])
    spent = np.array([1 - look_level(look, most, level) for look in range(1, len(sizes))])
    np.testing.assert_allclose(spent, (1 - level) * np.diff(sizes) / most)
    assert spent.sum() == pytest.approx(1 - level)


@pytest.mark.parametrize(
    ("configurations", "look"), [(1, None), (15, None), (16, 1), (31, 1), (32, 2), (63, 3), (64, 4), (90, 4), (500, 5)]
)
def test_the_last_look_that_a_study_has_come_to(configurations: int, look: int | None) -> None:
    assert last_look(configurations, 96) == look


def arms(n_configs: int, n_seeds: int = 2, rates: tuple[float, float] = (0.3, 0.6)) -> tuple[np.ndarray, np.ndarray]:
    first, second = (np.random.default_rng(0).random((2, n_configs, n_seeds)) < np.array(rates)[:, None, None]) * 1.0
    return first, second


def test_a_look_is_the_widening_at_its_own_level() -> None:
    first, second = arms(48)
    look = take_look(first, second, design="random", look=3, most=96, width=0.5)
    # 16 of 96 configurations spend a sixth of five percent.
    assert look.level == pytest.approx(1 - 0.05 / 6)
    assert look.interval == widening(first, second, design="random", level=look.level).difference
    assert (look.number, look.configurations) == (3, 48)
    usual = widening(first, second, design="random").difference
    assert look.interval.low < usual.low < usual.high < look.interval.high


def test_a_single_look_is_no_other_than_the_usual_interval() -> None:
    first, second = arms(12)
    look = take_look(first, second, design="random", look=1, most=12, width=1.0)
    assert look.interval == widening(first, second, design="random", level=look.level).difference
    assert look.level == pytest.approx(0.95)


def test_it_is_reached_at_the_width_itself_and_not_just_above() -> None:
    first, second = arms(48)
    interval = take_look(first, second, design="random", look=3, most=96, width=1.0).interval
    width = interval.high - interval.low
    assert take_look(first, second, design="random", look=3, most=96, width=width).reached
    assert not take_look(first, second, design="random", look=3, most=96, width=width * 0.999).reached


def test_what_is_not_trustworthy_never_stops_a_study() -> None:
    first, second = arms(48)
    first[:40] = np.nan
    look = take_look(first, second, design="random", look=3, most=96, width=1.99)
    assert not look.interval.trustworthy
    assert not look.reached
    assert not take_look(first * np.nan, second, design="random", look=3, most=96, width=1.99).reached


@pytest.mark.parametrize("width", [0.0, -0.1, 2.0, float("nan"), float("inf")])
def test_widths_that_no_interval_has(width: float) -> None:
    with pytest.raises(UserError, match="lies between 0 and 2, received"):
        take_look(*arms(16), design="random", look=1, most=32, width=width)


@pytest.mark.parametrize("look", [0, -1, 3])
def test_looks_that_there_are_not(look: int) -> None:
    with pytest.raises(UserError, match=f"has the looks 1 to 2, received {look}"):
        take_look(*arms(16), design="random", look=look, most=32, width=0.1)


@pytest.mark.slow
def test_intervals_of_all_looks_cover_together() -> None:
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(400):
        p = rng.random((64, 1))
        first, second = ((rng.random((64, 2)) < p**power) * 1.0 for power in (2, 1))
        looks = [
            take_look(first[:size], second[:size], design="random", look=number, most=64, width=0.1).interval
            for number, size in enumerate(look_sizes(64), 1)
        ]
        # The means of p and its square.
        missed += any(not interval.low <= 1 / 2 - 1 / 3 <= interval.high for interval in looks)
    assert missed <= 0.05 * 400 + 2 * np.sqrt(400 * 0.05 * 0.95)
