from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tune_stability.analysis.attribution import Attribution, attribution, interaction_weights
from tune_stability.analysis.widening import widening
from tune_stability.errors import UserError

Arms = dict[frozenset[str], np.ndarray]


def sets(names: str) -> list[frozenset[str]]:
    return [frozenset(part) for size in range(len(names) + 1) for part in itertools.combinations(names, size)]


def draw(names: str, n_configs: int, n_seeds: int, seed: int = 0) -> Arms:
    rng = np.random.default_rng(seed)
    return {arm: (rng.random((n_configs, n_seeds)) < 0.2 + 0.2 * len(arm)).astype(float) for arm in sets(names)}


def over_permutations(arms: Arms, names: str) -> dict[str, float]:
    """The definition: the mean over all orders of what an ingredient adds when its turn comes."""
    added: dict[str, list[float]] = {name: [] for name in names}
    for order in itertools.permutations(names):
        for place, name in enumerate(order):
            before, after = frozenset(order[:place]), frozenset(order[: place + 1])
            added[name].append(float(arms[after].mean() - arms[before].mean()))
    return {name: float(np.mean(values)) for name, values in added.items()}


def numbers(result: Attribution) -> list[float]:
    intervals = [result.widening, *result.shapley.values(), *result.interactions.values()]
    return [value for one in intervals for value in (one.estimate, one.low, one.high)]


@pytest.mark.parametrize("names", ["a", "ab", "abc", "abcd"])
def test_shapley_values_are_the_mean_over_all_orders_and_add_up(names: str) -> None:
    arms = draw(names, 12, 3)
    result = attribution(arms, design="random")
    found = {name: interval.estimate for name, interval in result.shapley.items()}
    assert found == pytest.approx(over_permutations(arms, names))
    assert sum(found.values()) == pytest.approx(result.widening.estimate)
    assert result.widening.estimate == pytest.approx(arms[frozenset(names)].mean() - arms[frozenset()].mean())


def test_two_by_two_by_hand() -> None:
    # Rates: nothing 1/4, a 2/4, b 1/4, both 4/4. a adds 1/4 first and 3/4 second, b adds 0 first and 1/2 second; what a
    # brings to b beyond what it brings alone is 1 - 1/2 - 1/4 + 1/4.
    arms = {
        frozenset(): [[1], [0], [0], [0]],
        frozenset("a"): [[1], [1], [0], [0]],
        frozenset("b"): [[0], [1], [0], [0]],
        frozenset("ab"): [[1], [1], [1], [1]],
    }
    result = attribution(arms, design="random")
    assert {name: one.estimate for name, one in result.shapley.items()} == {"a": 0.5, "b": 0.25}
    assert result.interactions[("a", "b")].estimate == 0.5
    assert result.widening.estimate == 0.75


def test_interaction_of_three_by_hand() -> None:
    # Only all three together succeed: each brings a third, and each pair half of what the third one completes.
    arms = {arm: np.full((8, 2), float(len(arm) == 3)) for arm in sets("abc")}
    result = attribution(arms, design="random")
    assert [one.estimate for one in result.shapley.values()] == pytest.approx([1 / 3] * 3)
    assert [one.estimate for one in result.interactions.values()] == pytest.approx([1 / 2] * 3)
    assert list(result.interactions) == [("a", "b"), ("a", "c"), ("b", "c")]


@pytest.mark.parametrize("names", ["a", "ab", "abc", "abcde"])
def test_weights_are_whole_numbers_that_add_up_to_nothing(names: str) -> None:
    weights = interaction_weights(list(names), {"a"})
    assert sum(weights.values()) == 0
    assert sum(value for value in weights.values() if value > 0) == math.factorial(len(names))


@pytest.mark.parametrize("design", ["random", "sobol"])
def test_one_ingredient_is_a_widening(design: str) -> None:
    arms, points = draw("a", 16, 3), np.random.default_rng(1).random((16, 2))
    result = attribution(arms, points, design)  # type: ignore[arg-type]
    expected = widening(arms[frozenset()], arms[frozenset("a")], points, design).difference  # type: ignore[arg-type]
    assert result.shapley["a"] == result.widening == expected
    assert result.interactions == {}


def test_replicates_widen_the_interval_as_they_widen_that_of_a_widening() -> None:
    arms, replicate = draw("a", 16, 2), np.arange(16) % 4
    found = attribution(arms, design="sobol", replicate=replicate).shapley["a"]
    assert found == widening(arms[frozenset()], arms[frozenset("a")], design="sobol", replicate=replicate).difference
    assert found.method == "MOVER, paired, independent replicates"


def test_an_ingredient_that_changes_nothing_anywhere_may_still_do_so_elsewhere() -> None:
    # Wilson's limit for 0 of 20 configurations: t**2 / (20 + t**2) with t = 2.093, the quantile for 19.
    bare = (np.random.default_rng(0).random((20, 3)) < 0.5).astype(float)
    result = attribution({arm: bare if "a" not in arm else np.ones((20, 3)) for arm in sets("ab")}, design="random")
    nothing = result.shapley["b"]
    assert (nothing.estimate, nothing.high) == (0.0, pytest.approx(2.093**2 / (20 + 2.093**2), abs=1e-4))
    assert nothing.low == -nothing.high
    assert nothing.note == "No trial shows a difference."
    assert result.shapley["a"].low > 0.2


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_arms_alike(value: float) -> None:
    result = attribution({arm: np.full((16, 2), value) for arm in sets("abc")}, np.linspace(0, 1, 16)[:, None])
    assert all(one.estimate == 0 and -0.25 < one.low < 0 < one.high < 0.25 for one in result.shapley.values())


def test_only_seeds_with_an_outcome_in_every_arm_count() -> None:
    arms = draw("ab", 16, 2)
    arms[frozenset("a")][3, 1] = np.nan
    arms[frozenset()][5, :] = np.nan
    result = attribution(arms, np.random.default_rng(0).random((16, 1)))
    lacking = np.zeros((16, 2), dtype=bool)
    lacking[3, 1] = lacking[5, :] = True
    for one in (*result.shapley.values(), result.widening, *result.interactions.values()):
        assert (one.n_configs, one.n_trials, one.missing) == (15, 29, 3)
    assert sum(one.estimate for one in result.shapley.values()) == pytest.approx(result.widening.estimate)


@pytest.mark.parametrize(
    ("shape", "note"),
    [
        ((0, 2), "No trial has an outcome."),
        ((1, 2), "One configuration says nothing about the rest of the space."),
        ((3, 2), "3 configurations are too few to know their spread; run at least 8."),
    ],
)
def test_too_little_is_not_trustworthy(shape: tuple[int, int], note: str) -> None:
    result = attribution({arm: np.ones(shape) * ("a" in arm) for arm in sets("ab")}, design="random")
    for one in (*result.shapley.values(), *result.interactions.values()):
        assert not one.trustworthy
        assert note in one.note
        assert one.low <= one.high
    if shape[0] < 2:
        assert (result.shapley["a"].low, result.interactions[("a", "b")].high) == (-1.0, 2.0)


def test_all_missing_has_a_note_and_no_number() -> None:
    result = attribution({arm: np.full((9, 2), np.nan) for arm in sets("a")}, np.random.default_rng(0).random((9, 1)))
    assert math.isnan(result.shapley["a"].estimate)
    assert "No trial has an outcome." in result.shapley["a"].note


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.permutations("abc"), st.sampled_from(["random", "sobol"]))
def test_order_and_names_change_nothing(seed: int, names: list[str], design: str) -> None:
    arms, rng = draw("abc", 9, 3, seed), np.random.default_rng(seed)
    points = rng.random((9, 2))
    expected = attribution(arms, points, design)  # type: ignore[arg-type]
    rows, seeds = rng.permutation(9), rng.permutation(3)
    # In a Sobol design only the likelihood sees the order of rows, and in so few of them all enter.
    shuffled = {arm: arms[arm][rows][:, seeds] for arm in reversed(arms)}
    again = attribution(shuffled, points[rows], design)  # type: ignore[arg-type]
    assert numbers(again) == pytest.approx(numbers(expected), abs=1e-9)
    new = dict(zip("abc", names, strict=True))
    renamed = attribution({frozenset(map(new.get, arm)): arms[arm] for arm in arms}, points, design)  # type: ignore[arg-type,misc]
    assert {new[name]: one for name, one in expected.shapley.items()} == pytest.approx(renamed.shapley)
    for pair, one in expected.interactions.items():
        assert renamed.interactions[tuple(sorted(map(new.get, pair)))].estimate == pytest.approx(one.estimate)  # type: ignore[index,type-var]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_failed_for_success_turns_the_sign(seed: int) -> None:
    arms = draw("ab", 10, 2, seed)
    one = attribution(arms, design="random").shapley["a"]
    other = attribution({arm: 1 - values for arm, values in arms.items()}, design="random").shapley["a"]
    assert (other.estimate, other.low, other.high) == pytest.approx((-one.estimate, -one.high, -one.low), abs=1e-9)


@pytest.mark.parametrize(
    ("success", "words"),
    [
        ({}, "attribution needs an arm with an ingredient and one without, received 0 arms."),
        ({frozenset(): [[1]]}, "received 1 arms."),
        ({frozenset("a"): [[1]]}, "attribution to a needs 2 arms, received 1; add the one with none of them."),
        (
            {frozenset(): [[1]], frozenset("b"): [[1]], frozenset("ab"): [[1]]},
            "attribution to a, b needs 4 arms, received 3; add the one with a.",
        ),
        ({frozenset(): [[1]], frozenset("a"): [[1], [0]]}, "paired arms need the same shape, received (1, 1), (2, 1)."),
        ({frozenset(): [[0.5]], frozenset("a"): [[1]]}, "success must hold only 1"),
        ({frozenset(): [1], frozenset("a"): [1]}, "success must have shape (n_configs, n_seeds)"),
    ],
)
def test_bad_arms(success: Mapping[frozenset[str], list[list[float]]], words: str) -> None:
    with pytest.raises(UserError) as caught:
        attribution(success, design="random")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("points", "design", "words"),
    [([[0.5]], "sobol", "points must have shape"), ([[0.5], [1.5]], "sobol", "unit cube"), (None, "sobl", "design")],
)
def test_bad_points(points: list[list[float]] | None, design: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        attribution({frozenset(): [[1], [0]], frozenset("a"): [[1], [0]]}, points, design)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [2, 3])
def test_intervals_cover_what_they_estimate(k: int) -> None:
    # The success rate of half the space rises with the ingredients. The whole table is in experiments/coverage.
    names, rng = "abc"[:k], np.random.default_rng(0)
    covered, studies = 0, 100
    for _ in range(studies):
        u = rng.random((32, 1))
        arms = {arm: (rng.random((32, 2)) < 0.2 + 0.5 * len(arm) / k * (u > 0.5)).astype(float) for arm in sets(names)}
        one = attribution(arms, design="random").shapley["a"]
        covered += one.low <= 0.25 / k <= one.high
    assert 0.9 * studies <= covered < studies
