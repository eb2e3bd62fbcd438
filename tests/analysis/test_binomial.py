from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from tune_stability.analysis.binomial import blaker


@pytest.mark.parametrize("n", [1, 5, 16, 25])
def test_it_covers_at_every_probability_and_lies_within_clopper_and_pearson(n: int) -> None:
    limits = np.array([blaker(k, n) for k in range(n + 1)])
    exact = np.array([proportion_confint(k, n, method="beta") for k in range(n + 1)])
    assert (limits[:, 0] >= exact[:, 0] - 1e-12).all()
    assert (limits[:, 1] <= exact[:, 1] + 1e-12).all()
    for p in np.linspace(0.001, 0.999, 333):
        chance = stats.binom.pmf(np.arange(n + 1), n, p)
        assert chance[(limits[:, 0] <= p) & (p <= limits[:, 1])].sum() >= 0.95


def test_by_hand() -> None:
    # One trial: at p the tail of a success is p, that of a failure 1 - p, and the smaller one counts alone.
    assert blaker(1, 1) == (pytest.approx(0.05, abs=0.001), 1.0)
    assert blaker(0, 1) == (0.0, pytest.approx(0.95, abs=0.001))
    assert blaker(0, 0) == (0.0, 1.0)


def test_it_is_narrower_than_clopper_and_pearson_and_symmetric() -> None:
    low, high = blaker(4, 25)
    assert high - low < np.diff(proportion_confint(4, 25, method="beta"))[0] - 0.01
    assert (1 - high, 1 - low) == pytest.approx(blaker(21, 25), abs=1e-6)
