from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tune_stability.analysis.variance_limits import variance_limits

ONE = np.array([[1.0, 0.0], [0.0, 1.0]])


def limits(squares: object, freedom: tuple[float, float] = (3.0, 6.0)):
    return variance_limits(
        np.asarray(squares, dtype=float), ONE, np.array(freedom), np.random.default_rng(0), 0.95, 20_000
    )


def chi_squared(mean: float, freedom: float) -> list[float]:
    """The textbook interval of a normal variance."""
    return [mean * freedom / stats.chi2.ppf(p, freedom) for p in (0.975, 0.025)]


def test_one_configuration_has_the_textbook_interval() -> None:
    found = limits([[2.0, 0.5]]).variance
    np.testing.assert_allclose(found[:, 0], chi_squared(2.0, 3), rtol=0.05)
    np.testing.assert_allclose(found[:, 1], chi_squared(0.5, 6), rtol=0.05)


def test_alike_configurations_have_the_degrees_of_freedom_of_all() -> None:
    found = limits([[2.0, 0.5]] * 4).variance
    np.testing.assert_allclose(found[:, 0], chi_squared(2.0, 12), rtol=0.05)


def test_unlike_configurations_have_those_that_they_show() -> None:
    # Mean 2, variance of the mean 16 / 4: 2 * 4 / 4 degrees of freedom, of the nominal 12.
    found = limits([[8.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]).variance
    np.testing.assert_allclose(found[:, 0], chi_squared(2.0, 2), rtol=0.05)


def test_shares_of_two_are_those_of_an_f_ratio() -> None:
    found = limits([[2.0, 0.5]]).share
    ratio = np.array([4.0 / stats.f.ppf(p, 3, 6) for p in (0.975, 0.025)])
    np.testing.assert_allclose(found[:, 0], ratio / (1 + ratio), rtol=0.02)
    np.testing.assert_allclose(found[:, 1], 1 - found[::-1, 0])


@pytest.mark.parametrize("squares", [np.zeros((3, 2)), np.empty((0, 2))])
def test_no_variance_or_no_configuration_says_nothing(squares: np.ndarray) -> None:
    found = limits(squares)
    assert found.variance.tolist() == [[0, 0], [np.inf, np.inf]]
    assert found.share.tolist() == [[0, 0], [1, 1]]


def test_a_component_without_variance_has_none() -> None:
    found = limits([[0.0, 0.5], [0.0, 0.7]])
    assert found.variance[:, 0].tolist() == [0, 0]
    assert found.share.T.tolist() == [[0, 0], [1, 1]]
