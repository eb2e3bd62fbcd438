from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from tune_stability.analysis import curve as module
from tune_stability.analysis.basin import _edges, _resample
from tune_stability.analysis.curve import fit_curve

PLACES = np.linspace(-7, -3, 41)


def step(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places, successes and trials of a study that succeeds between -6 and -4 with probability 0.9."""
    x, counts = np.sort(rng.uniform(-7, -3, n)), rng.integers(1, 6, n)
    wins = rng.binomial(counts, 0.9 * (np.abs(x + 5) < 1))
    return x, wins.astype(float), counts.astype(float)


def test_left_out_error_equals_leaving_out() -> None:
    x, wins, counts = step(30, np.random.default_rng(0))
    total = 0.0
    for i in range(30):
        weights = (np.arange(30) != i).astype(float)
        # Weight 0 is to be left out, at the same smoothing.
        fit = module._local_linear(x, (weights * wins)[None], (weights * counts)[None], x[[i]], 0.2)
        total += counts[i] * (wins[i] / counts[i] - float(fit[0, 0])) ** 2
    assert module._left_out_error(x, wins, counts, np.ones(30), 0.2) == pytest.approx(total)


def test_a_line_is_fitted_as_a_line() -> None:
    x = np.linspace(-7, -3, 60)
    wins = 0.2 + 0.15 * (x + 7)
    curve = fit_curve(x, wins, np.ones(60), PLACES)
    # But for the slope, which is shrunk a little.
    np.testing.assert_allclose(curve.values, 0.2 + 0.15 * (PLACES + 7), atol=0.01)


def test_one_gap_does_not_smooth_the_rest() -> None:
    x = np.concatenate([np.linspace(-7, -5, 60), [-3.0]])
    wins = (x > -6).astype(float)
    assert fit_curve(x, wins, np.ones(61), PLACES).bandwidth == module.BANDWIDTHS[0]


def test_the_bootstrap_of_configurations_equals_scipys() -> None:
    rng = np.random.default_rng(1)
    x, wins, counts = step(40, rng)
    curve = fit_curve(x, wins, counts, PLACES)

    def width(rows: np.ndarray, axis: int) -> np.ndarray:
        times = np.stack([np.bincount(row, minlength=40) for row in np.atleast_2d(rows)])
        edges = _edges(curve.refit(times * wins, times * counts), PLACES, 0.5)
        found = np.nan_to_num(edges[:, 1] - edges[:, 0])
        return found if rows.ndim > 1 else found[0]

    theirs = bootstrap((np.arange(40),), width, n_resamples=4000, method="percentile", rng=rng).confidence_interval
    edges = _edges(_resample(curve, wins, counts, np.ones(40), "configurations", 4000, rng), PLACES, 0.5)
    ours = np.quantile(np.nan_to_num(edges[:, 1] - edges[:, 0]), (0.025, 0.975))
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.04)
