from __future__ import annotations

import math

import numpy as np
import pytest

from tune_stability.analysis import VarianceSplit, variance_split
from tune_stability.errors import UserError

A, B, C = np.indices((2, 2, 2)).astype(float)


def split(scores: object, seed: int = 0, **options: object) -> VarianceSplit:
    return variance_split(scores, np.random.default_rng(seed), **options)  # type: ignore[arg-type]


def variances(found: VarianceSplit) -> list[float]:
    return [component.variance for component in found.components]


def effects(n: int, k: int, variances: tuple[float, float, float, float], rng: np.random.Generator) -> np.ndarray:
    shapes = ((n, k, 1, 1), (n, 1, k, 1), (n, 1, 1, k), (n, k, k, k))
    return sum(math.sqrt(v) * rng.standard_normal(shape) for v, shape in zip(variances, shapes, strict=True))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        # The variance of 0 and 1 with n - 1 in the denominator.
        (A, [0.5, 0, 0, 0]),
        (B, [0, 0.5, 0, 0]),
        (C - 3, [0, 0, 0.5, 0]),
        # Equal mean squares of all effects: the factors explain nothing that interactions do not.
        (A * B * C, [0, 0, 0, 1 / 8]),
        # Estimates may be negative.
        ((A + B) % 2, [-0.5, -0.5, 0, 1]),
    ],
)
def test_by_hand(scores: np.ndarray, expected: list[float]) -> None:
    np.testing.assert_allclose(variances(split(scores[None])), expected, atol=1e-12)


def test_configurations_are_averaged_and_negative_estimates_count_as_none() -> None:
    found = split(np.stack([A, (A + B) % 2]))
    np.testing.assert_allclose(variances(found), [0, -0.25, 0, 0.5], atol=1e-12)
    assert [component.source for component in found.components] == ["initialization", "data order", "dropout", "rest"]
    assert [component.share.estimate for component in found.components] == pytest.approx([0, 0, 0, 1])
    assert [component.deviation.estimate for component in found.components] == pytest.approx([0, 0, 0, math.sqrt(0.5)])
    assert found.components[0].share.n_trials == 16


@pytest.mark.parametrize("k", [2, 3])
def test_estimates_are_unbiased_for_normal_effects_with_interactions(k: int) -> None:
    rng = np.random.default_rng(0)
    scores = effects(20_000, k, (0.3, 0.2, 0.0, 0.1), rng) + math.sqrt(0.4) * rng.standard_normal((20_000, k, k, 1))
    np.testing.assert_allclose(variances(split(scores, n_draws=10)), [0.3, 0.2, 0.0, 0.5], atol=0.02)


def test_estimates_are_unbiased_for_successes_and_failures() -> None:
    # 1 if both of two fair coins, one per initialization and one per data order, are heads: given one coin
    # the mean is 0 or 1/2, which has variance 1/16; the whole variance is 3/16.
    rng = np.random.default_rng(1)
    coins = rng.integers(0, 2, (20_000, 2, 2))
    scores = coins[:, 0, :, None, None] * coins[:, 1, None, :, None] * np.ones((1, 1, 1, 2))
    np.testing.assert_allclose(variances(split(scores, n_draws=10)), np.array([1, 1, 0, 1]) / 16, atol=0.004)


def test_intervals_of_normal_effects_cover_the_truth() -> None:
    truth = np.array([0.3, 0.2, 0.1, 0.4])
    rng = np.random.default_rng(2)
    covered = np.zeros((2, 4))
    studies = 200
    for _ in range(studies):
        found = variance_split(effects(16, 2, tuple(truth), rng), rng, n_draws=300)  # type: ignore[arg-type]
        for k, component in enumerate(found.components):
            assert component.share.trustworthy
            covered[0, k] += component.deviation.low <= math.sqrt(truth[k]) <= component.deviation.high
            covered[1, k] += component.share.low <= truth[k] <= component.share.high
    assert (covered / studies > 0.9).all(), covered / studies
    assert (covered / studies).min() < 0.99


def test_narrower_with_more_configurations() -> None:
    rng = np.random.default_rng(3)
    few, many = (split(effects(n, 3, (0.3, 0.2, 0.1, 0.4), rng)).components for n in (16, 256))
    for a, b in zip(few, many, strict=True):
        assert b.share.high - b.share.low < 0.6 * (a.share.high - a.share.low)


def test_same_generator_seed_same_interval() -> None:
    scores = effects(4, 2, (1, 1, 1, 1), np.random.default_rng(4))
    assert split(scores, 7) == split(scores, 7)
    assert split(scores, 7) != split(scores, 8)


def test_units_of_the_score_do_not_change_shares() -> None:
    scores = effects(16, 2, (1, 1, 1, 1), np.random.default_rng(5))
    one, hundred = split(scores), split(100 * scores + 7)
    for a, b in zip(one.components, hundred.components, strict=True):
        assert (a.share.low, a.share.high) == pytest.approx((b.share.low, b.share.high))
        assert (100 * a.deviation.low, 100 * a.deviation.high) == pytest.approx((b.deviation.low, b.deviation.high))


def test_a_configuration_that_lacks_a_score_is_dropped_and_counted() -> None:
    scores = effects(18, 2, (1, 1, 1, 1), np.random.default_rng(6))
    whole = split(scores[2:])
    scores[0, 0, 0, 0] = np.nan
    scores[1, :, :, 1] = np.inf
    found = split(scores)
    assert (found.n_configs, found.dropped, whole.dropped) == (16, 2, 0)
    assert variances(found) == variances(whole)
    assert (found.components[0].share.n_trials, found.components[0].share.missing) == (16 * 8, 5)
    assert whole.components[0].share.trustworthy
    assert found.components[0].share.note == "2 of 18 configurations lack a score, perhaps not at random."


@pytest.mark.parametrize(
    "scores", [np.full((20, 2, 2, 2), 0.1), np.arange(20.0)[:, None, None, None] * np.ones((2, 2, 2))]
)
def test_no_variance(scores: np.ndarray) -> None:
    for component in split(scores).components:
        assert component.variance == 0
        assert (component.deviation.estimate, component.deviation.high) == (0, math.inf)
        assert math.isnan(component.share.estimate)
        assert (component.share.low, component.share.high) == (0, 1)
        assert "no variance to split" in component.share.note


@pytest.mark.parametrize("scores", [np.empty((0, 2, 2, 2)), np.full((3, 2, 2, 2), np.nan)])
def test_no_configuration(scores: np.ndarray) -> None:
    found = split(scores)
    assert found.n_configs == 0
    for component in found.components:
        assert math.isnan(component.variance)
        assert math.isnan(component.deviation.estimate)
        assert not component.deviation.trustworthy
        assert component.share.note == "No configuration has all its scores."


def test_few_configurations_are_marked() -> None:
    scores = effects(16, 2, (1, 1, 1, 1), np.random.default_rng(7))
    assert split(scores).components[0].share.trustworthy
    note = split(scores[:15]).components[3].deviation.note
    assert note == "Below 16 configurations, here 15, the intervals hold for normal effects only."


def test_one_configuration_that_has_all_the_variance_is_marked() -> None:
    scores = np.zeros((20, 2, 2, 2))
    scores[3] = A
    assert split(scores).components[0].share.note == "Nearly all the variance comes from one configuration."
    scores[4:7] = A
    assert split(scores).components[0].share.trustworthy


def test_estimates_lie_in_their_intervals() -> None:
    rng = np.random.default_rng(8)
    for n in (1, 2, 16):
        for component in split((rng.random((n, 3, 3, 3)) < 0.5).astype(float)).components:
            for interval in (component.deviation, component.share):
                assert interval.low <= interval.estimate <= interval.high


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2), (4, 1, 2, 2), (4, 2, 2, 1), (0, 0, 0, 0)])
def test_bad_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="scores must have shape") as caught:
        split(np.zeros(shape))
    assert "\n" not in str(caught.value)
