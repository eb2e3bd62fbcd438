from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from tune_stability.analysis.polya_gamma import precision
from tune_stability.analysis.surface import prior_kernel
from tune_stability.sampling.lookahead import Latent, expected_gain

X = np.array([[0.1, 0.2], [0.4, 0.9], [0.6, 0.3], [0.8, 0.7]])
LATENT = Latent.given(prior_kernel(2), X, np.array([2.0, 0.0, 1.0, 0.0]), np.array([2.0, 2.0, 2.0, 1.0]))


@pytest.mark.parametrize("trials", [1, 5])
@pytest.mark.parametrize("place", [[0.5, 0.5], [0.1, 0.2], [0.99, 0.01]])
def test_the_gain_is_the_fall_of_the_probability_to_be_on_the_wrong_side(place: list[float], trials: int) -> None:
    candidate, reference = np.array([[0.3, 0.6]]), np.array([place])
    (gain,) = expected_gain(LATENT, candidate, reference, trials)
    (mean, mean_there), variances, explained = LATENT.at(np.concatenate([candidate, reference]))
    covariance = LATENT.kernel(candidate, reference)[0, 0] - explained[:, 0] @ explained[:, 1]
    # The later mean is the mean now plus a normal number of this covariance with the logit, and of that variance.
    later = covariance**2 / (variances[0] + 1 / precision(mean, variances[0], trials))
    joint = multivariate_normal([mean_there] * 2, [[variances[1], later], [later, later]], allow_singular=True)
    both_low = joint.cdf([0.0, 0.0])
    low, later_low = (multivariate_normal(mean_there, v).cdf(0.0) for v in (variances[1], later))
    wrong_later = low + later_low - 2 * both_low
    assert gain == pytest.approx(min(low, 1 - low) - wrong_later, abs=1e-4)
    assert gain > -1e-12


def test_more_trials_gain_more_and_what_is_far_gains_less() -> None:
    candidates, reference = np.array([[0.3, 0.6]]), np.random.default_rng(0).random((200, 2))
    gains = [expected_gain(LATENT, candidates, reference, trials)[0] for trials in (0.01, 1, 5, 100)]
    assert gains == sorted(gains)
    assert gains[0] < 0.02 * gains[-1]


def test_where_every_side_is_sure_there_is_nothing_to_gain() -> None:
    sure = Latent.given(prior_kernel(1), np.linspace(0, 1, 6)[:, None], np.full(6, 500.0), np.full(6, 500.0))
    gain = expected_gain(sure, np.array([[0.5], [0.1]]), np.linspace(0, 1, 50)[:, None], 1)
    assert gain == pytest.approx([0.0, 0.0], abs=1e-6)


def test_planned_trials_keep_the_mean_and_take_off_variance_as_trials_do() -> None:
    planned = LATENT.planned(np.array([[0.3, 0.6], [0.7, 0.1]]), 3)
    places = np.random.default_rng(1).random((50, 2))
    (mean, variance, _), (mean_after, variance_after, _) = LATENT.at(places), planned.at(places)
    assert mean_after == pytest.approx(mean)
    assert (variance_after < variance).all()
    own_mean, own, _ = LATENT.at(np.array([[0.3, 0.6]]))
    (alone,) = LATENT.planned(np.array([[0.3, 0.6]]), 3).at(np.array([[0.3, 0.6]]))[1]
    assert alone == pytest.approx(1 / (1 / own[0] + precision(own_mean, own, 3)[0]))
    assert expected_gain(planned, np.array([[0.3, 0.6]]), places, 1) < expected_gain(
        LATENT, np.array([[0.3, 0.6]]), places, 1
    )
    assert LATENT.planned(np.empty((0, 2)), 3) is LATENT
