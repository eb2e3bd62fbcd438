from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

from tune_stability.analysis.region_mean import Sample, make_sample, mean_variance, region_mean


def test_variance_over_replicates_by_hand() -> None:
    # Replicates 0 and 1 with means 1/2 and 1: the variance of their mean is (1/4)**2 * 2 / 2 = 1/16.
    sample = make_sample(None, 4, "sobol", [0, 1, 0, 1])
    assert mean_variance(np.array([0.0, 1.0, 1.0, 1.0]), sample) == (pytest.approx(1 / 16), 1.0)


def test_replicates_of_unlike_size_count_by_their_configurations() -> None:
    # The mean is 0.4; the sums of what is off it are 1.2 and -1.2, so 2 * 1.44 * 2 / 1 / 25.
    sample = make_sample(None, 5, "sobol", [7, 7, 3, 3, 3])
    variance, freedom = mean_variance(np.array([1.0, 1.0, 0.0, 0.0, 0.0]), sample)
    assert (variance, freedom) == (pytest.approx(2 * 1.44 * 2 / 25), 1.0)


def test_every_configuration_a_replicate_of_its_own_is_independent_configurations() -> None:
    values = np.random.default_rng(0).random(8)
    assert mean_variance(values, make_sample(None, 8, "sobol", np.arange(8))) == pytest.approx(
        mean_variance(values, Sample(8))
    )


def test_one_replicate_alone_counts_as_independent_configurations() -> None:
    values = np.random.default_rng(0).random(8)
    assert mean_variance(values, make_sample(None, 8, "sobol", np.zeros(8, int))) == mean_variance(values, Sample(8))


def test_successive_differences_by_hand() -> None:
    # In the order of the first axis: 0, 0, 1, 1. One difference of 1: 1 / (2 * 4 * 3).
    points = [[0.9, 0.1], [0.1, 0.5], [0.6, 0.2], [0.3, 0.7]]
    sample = make_sample(points, 4, "sobol")
    assert mean_variance(np.array([1.0, 0.0, 1.0, 0.0]), sample) == (pytest.approx(1 / 24), 2.0)


def test_a_tie_on_the_first_axis_is_ordered_by_the_next() -> None:
    points = [[0.2, 0.8], [0.2, 0.2], [0.8, 0.2], [0.8, 0.8]]
    # In order: 0, 1, 1, 0.
    assert mean_variance(np.array([1.0, 0.0, 1.0, 0.0]), make_sample(points, 4, "grid"))[0] == pytest.approx(2 / 24)


@pytest.mark.parametrize("design", ["sobol", "grid"])
def test_noise_alone_has_the_variance_of_independent_configurations(design: str) -> None:
    rng = np.random.default_rng(0)
    points, values = rng.random((64, 2)), rng.normal(size=(500, 64))
    found = np.mean([mean_variance(row, make_sample(points, 64, design))[0] for row in values])
    assert found == pytest.approx(1 / 64, rel=0.03)


def test_the_variance_over_replicates_is_that_of_the_mean() -> None:
    rng = np.random.default_rng(1)
    estimates, variances = [], []
    for _ in range(400):
        points = np.concatenate([qmc.Sobol(2, scramble=True, rng=rng).random(4) for _ in range(8)])
        values = (((points - 0.4) ** 2).sum(1) < 0.2).astype(float)
        estimates.append(values.mean())
        variances.append(mean_variance(values, make_sample(None, 32, "sobol", np.repeat(np.arange(8), 4)))[0])
    assert np.mean(variances) == pytest.approx(np.var(estimates, ddof=1), rel=0.2)


def test_a_configuration_without_a_trial_leaves_its_replicate() -> None:
    values = np.array([[1.0, np.nan], [np.nan, np.nan], [0.0, 0.0], [1.0, 1.0]])
    result = region_mean(values, make_sample(None, 4, "sobol", [0, 0, 1, 1]))
    assert (result.mean, result.n_configs, result.n_trials, result.missing) == (pytest.approx(2 / 3), 3, 5, 3)
    # What is off the mean: 1/3 in replicate 0, -2/3 + 1/3 in replicate 1.
    assert result.variance == pytest.approx((1 / 9 + 1 / 9) * 2 / 9)
    assert result.freedom == 1.0
