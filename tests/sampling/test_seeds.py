from __future__ import annotations

import dataclasses

import pytest

from tune_stability.sampling.seeds import Seeds, configuration_seeds


def test_a_single_seed_sets_all(make_spec) -> None:
    assert configuration_seeds(make_spec(num_seeds=2), 3) == [Seeds(3000), Seeds(3001)]


def test_every_combination_of_two_seeds_by_hand(make_spec) -> None:
    found = configuration_seeds(make_spec(seed_scheme="factorial", num_seeds=2), 3)
    assert [dataclasses.astuple(seeds) for seeds in found] == [
        (3000, 3000, 3000, 3000),
        (3001, 3000, 3000, 3001),
        (3002, 3000, 3001, 3000),
        (3003, 3000, 3001, 3001),
        (3004, 3001, 3000, 3000),
        (3005, 3001, 3000, 3001),
        (3006, 3001, 3001, 3000),
        (3007, 3001, 3001, 3001),
    ]


@pytest.mark.parametrize("few", [1, 2, 3, 9])
def test_one_more_seed_keeps_all_trials(make_spec, few: int) -> None:
    fewer, more = (configuration_seeds(make_spec(seed_scheme="factorial", num_seeds=n), 7) for n in (few, few + 1))
    assert more[: few**3] == fewer
    assert len(set(more)) == (few + 1) ** 3
    assert [seeds.seed for seeds in more] == list(range(7000, 7000 + (few + 1) ** 3))


def test_configurations_share_no_seed(make_spec) -> None:
    spec = make_spec(seed_scheme="factorial", num_seeds=10)
    zero, one = ({n for seeds in configuration_seeds(spec, i) for n in dataclasses.astuple(seeds)} for i in (0, 1))
    assert not zero & one
