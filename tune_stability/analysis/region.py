"""The region at tau, `mu{x : p(x) >= tau}`: the share of the space where the fitted surface reaches a probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.stats import qmc

from tune_stability.analysis.interval import Interval
from tune_stability.analysis.laplace import laplace
from tune_stability.analysis.success_rate import t_quantile, wilson
from tune_stability.analysis.surface import Surface
from tune_stability.errors import UserError

Array = NDArray[np.float64]

RESAMPLES = 40
"""Simulated studies, which tell a standard deviation to about a tenth of itself; each is as slow as a prediction."""
TRUSTED_TAU, FEWEST_CONFIGS, MOST_CONFIGS = 0.5, 16, 64
"""Where the interval covers about as often as it says: at this tau, with so many configurations."""
_PLACES = 1024


def region_at(surface: Surface, tau: float, rng: np.random.Generator, *, level: float = 0.95) -> Interval:
    """The region at one `tau`; see `regions_at`."""
    return regions_at(surface, (tau,), rng, level=level)[0]


def regions_at(
    surface: Surface, taus: Sequence[float], rng: np.random.Generator, *, level: float = 0.95
) -> tuple[Interval, ...]:
    """The share of the space where the probability of success is at least tau, for each of `taus`, model-based.

    The estimate is the share of 1024 Sobol points at which the median of the fitted probability reaches tau. (Its mean
    is nearer to one half, which would make every region at a high tau smaller.)

    The interval is a parametric bootstrap: `RESAMPLES` studies with the same configurations and numbers of trials are
    drawn from the fitted probability and fitted again with the same kernel. From the root mean square of their
    distances to the estimate follows an effective number of trials, and Wilson's interval with Student's t, as
    in `success_rate`. An end nearer to 0 or 1 than half the share of a configuration is moved there. It generalizes
    to new configurations of the same design and new seeds.

    A constant surface has no such interval. If all or none of the trials succeeded, the ends are what Wilson's interval
    of the success rate allows for: a rate of at least `s` needs a region of at least `(s - tau) / (1 - tau)`, one of
    at most `s` allows for `s / tau`.

    Where it holds (`results/coverage/region.parquet`, 13 shapes, 6 to 32 studies a cell): at tau = 0.5, with 16 and 64
    configurations by 1 and 3 seeds, the 95 % interval covers in 96 to 98 % of studies over all shapes. By shape it
    covers in 75 to 100 %, lowest for islands and balls in which few configurations lie. With 256 configurations it
    covers in 92 %, but hardly ever for islands with sharp edges and a plateau of 0.9, which smoothing makes smaller. At
    other taus it covers in as few as 6 % with 64 configurations, and in none with 256, where the probability jumps. It
    is not trusted at other taus, with fewer than 16 configurations, or with more than 64.

    Raises `UserError` for a tau outside (0, 1).
    """
    for tau in taus:
        if not 0 < tau < 1:
            raise UserError(f"tau must lie between 0 and 1, ends excluded, received {tau:g}; 0.5 is usual.")
    if surface.fit is None:
        return tuple(_of_constant(surface, tau, level) for tau in taus)
    fit = surface.fit
    places = qmc.Sobol(surface.n_axes, scramble=True, rng=0).random(_PLACES)
    limits = special.logit(np.asarray(taus, dtype=float))
    kernel, cross = fit.kernel(fit.x), fit.kernel(fit.x, places)
    estimates = _shares(fit.posterior.mean(cross), limits)
    p = np.clip(surface.probability(fit.x), 0.0, 1.0)
    wins = rng.binomial(fit.counts.astype(int), p, size=(RESAMPLES, len(p))).astype(float)
    again = np.array([_shares(laplace(kernel, own, fit.counts).mean(cross), limits) for own in wins])
    distances = np.sqrt(((again - estimates) ** 2).mean(axis=0))
    pairs = zip(taus, estimates, distances, strict=True)
    return tuple(_interval(surface, tau, float(share), float(distance), level) for tau, share, distance in pairs)


def _shares(latent: Array, limits: Array) -> Array:
    shares: Array = (latent[:, None] >= limits).mean(axis=0)
    return shares


def _interval(surface: Surface, tau: float, share: float, distance: float, level: float) -> Interval:
    n = surface.n_configs
    # Where a region is empty or full in every simulated study, configurations are all that is known.
    size = share * (1 - share) / distance**2 if distance > 0 and 0 < share < 1 else float(n)
    low, high = wilson(share, size, t_quantile(n - 1, level))
    low, high = (0.0 if low < 0.5 / n else low), (1.0 if high > 1 - 0.5 / n else high)
    return _labelled(surface, tau, share, low, high, level, f"{RESAMPLES} simulated studies")


def _of_constant(surface: Surface, tau: float, level: float) -> Interval:
    mean, n = surface.constant[0], surface.n_configs
    share = float(mean >= special.logit(tau))
    low, high = 0.0, 1.0
    if n > 1:
        rate = float(mean > 0)
        at_least, at_most = wilson(rate, n, t_quantile(n - 1, level))
        low, high = max((at_least - tau) / (1 - tau), 0.0), min(at_most / tau, 1.0)
        share = min(max(share, low), high)
    return _labelled(surface, tau, share, low, high, level, "bound by the success rate")


def _labelled(surface: Surface, tau: float, share: float, low: float, high: float, level: float, how: str) -> Interval:
    method = f"model-based: region of the fitted surface at tau = {tau:g}, {how}"
    interval = Interval(
        share, low, high, level, surface.n_configs, surface.n_trials, surface.missing, method, note=surface.note
    ).judged_by_missing()
    if surface.n_configs == 1:
        return interval.distrusted("One configuration says nothing about the rest of the space.")
    if surface.n_configs < FEWEST_CONFIGS:
        interval = interval.distrusted(
            f"{surface.n_configs} configurations are too few for a surface; run at least {FEWEST_CONFIGS}."
        )
    if surface.n_configs > MOST_CONFIGS:
        interval = interval.distrusted(
            f"Above {MOST_CONFIGS} configurations smoothing may shift a sharp edge by more than the interval is wide."
        )
    if tau != TRUSTED_TAU:
        interval = interval.distrusted(
            f"A smooth surface misplaces where a sharp edge reaches {tau:g}; tau = {TRUSTED_TAU:g} is reliable."
        )
    return interval
