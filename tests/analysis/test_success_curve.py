from __future__ import annotations

import numpy as np
import pytest

from tune_stability.analysis import learning_rate_basin, success_curve
from tune_stability.analysis.curve import fit_curve
from tune_stability.errors import UserError

LIMITS = (1e-7, 1e-3)


def plateau(x: np.ndarray) -> np.ndarray:
    """Success probability at log10 learning rates: 0.95 between -6 and -4, with ramps of 0.4 decades."""
    return 0.95 * (np.clip((x + 6) / 0.4 + 0.5, 0, 1) - np.clip((x + 4) / 0.4 + 0.5, 0, 1))


def study(n: int, seeds: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x = -7 + 4 * (np.arange(n) + rng.random()) / n
    return (rng.random((n, seeds)) < plateau(x)[:, None]).astype(float), 10**x


def test_the_band_holds_the_truth_at_about_its_level() -> None:
    rng, held = np.random.default_rng(0), []
    for _ in range(30):
        curve = success_curve(*study(64, 2, rng), LIMITS, observed="seeds")
        assert curve is not None
        truth = plateau(np.log10(curve.learning_rates))
        held.append(((curve.low - 0.01 <= truth) & (truth <= curve.high + 0.01)).mean())
    assert 0.93 <= np.mean(held) <= 0.99


def test_where_all_fail_the_band_has_a_width() -> None:
    rates = np.logspace(-7, -3, 16)
    curve = success_curve(np.zeros((16, 5)), rates, LIMITS)
    assert curve is not None
    np.testing.assert_allclose(curve.probability, 0.0, atol=1e-12)
    assert (curve.low == 0).all()
    # At most 15 of 16 configurations tell about one place, at least one does: 3.84 / (n + 3.84).
    assert 3.84 / 19 < curve.high.min() < curve.high.max() < 3.85 / 4.84


def test_it_crosses_one_half_at_the_edges_of_the_basin() -> None:
    success, rates = study(128, 3, np.random.default_rng(1))
    curve = success_curve(success, rates, LIMITS)
    basin = learning_rate_basin(success, rates, np.random.default_rng(0), limits=LIMITS, n_resamples=50)
    assert curve is not None
    for edge in (basin.lower, basin.upper):
        at_edge = np.interp(np.log10(edge.estimate), np.log10(curve.learning_rates), curve.probability)
        assert at_edge == pytest.approx(0.5, abs=0.03)
    assert ((curve.low <= curve.probability) & (curve.probability <= curve.high)).all()


def test_seeds_that_are_independent_know_more() -> None:
    success, rates = study(32, 4, np.random.default_rng(2))
    by_seed, by_configuration = (
        success_curve(success, rates, LIMITS, observed=how) for how in ("seeds", "configurations")
    )
    assert by_seed is not None
    assert by_configuration is not None
    np.testing.assert_array_equal(by_seed.probability, by_configuration.probability)
    assert ((by_seed.high - by_seed.low) < (by_configuration.high - by_configuration.low)).all()


def test_observations_far_within_a_narrow_kernel_are_the_trials_there() -> None:
    # Five places, four decades apart from one another by far more than the bandwidth, but one with three close by.
    x = np.array([0.0, 10.0, 20.0, 30.0, 40.0])
    curve = fit_curve(x, np.full(5, 2.0), np.full(5, 4.0), np.array([20.0]))
    curve = type(curve)(x, curve.places, 0.01, curve.values, curve.at_data)
    # The bandwidth there is half the distance to the third nearest place, so the weights are 1 and twice exp(-2).
    weights = np.exp(-0.5 * (np.array([20.0, 10.0, 0.0, 10.0, 20.0]) / 5) ** 2)
    expected = weights.sum() ** 2 / (weights**2).sum()
    ones = np.ones(5)
    assert curve.effective(np.full(5, 4.0), ones, True)[0] == pytest.approx(expected, rel=1e-6)
    assert curve.effective(np.full(5, 4.0), ones, False)[0] == pytest.approx(4 * expected, rel=1e-6)
    assert curve.effective(np.full(5, 4.0), 3 * ones, True)[0] == pytest.approx(3 * expected, rel=1e-6)


@pytest.mark.parametrize(("n", "note"), [(64, ""), (63, "With 63 configurations the band is too narrow")])
def test_it_says_where_the_band_is_too_narrow(n: int, note: str) -> None:
    curve = success_curve(*study(n, 1, np.random.default_rng(5)), LIMITS)
    assert curve is not None
    assert curve.note[: len(note) or None] == note


def test_missing_trials_and_few_rates() -> None:
    success, rates = study(16, 2, np.random.default_rng(3))
    success[4] = np.nan
    success[5, 0] = np.nan
    assert success_curve(success, rates, LIMITS) is not None
    assert success_curve(success[:4], rates[:4], LIMITS) is None
    assert success_curve(np.full((8, 2), np.nan), rates[:8], LIMITS) is None
    with pytest.raises(UserError, match="success must hold only"):
        success_curve(np.full((8, 2), 0.5), rates[:8], LIMITS)


def test_many_configurations_are_quick_and_much_the_same() -> None:
    success, rates = study(4000, 1, np.random.default_rng(4))
    curve = success_curve(success, rates, LIMITS)
    assert curve is not None
    assert np.abs(curve.probability - plateau(np.log10(curve.learning_rates))).max() < 0.15
    assert (curve.high - curve.low).mean() < 0.12
