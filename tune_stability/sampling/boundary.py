"""An Optuna sampler that looks for the boundary of the success region, and not for the best configuration."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import qmc

from tune_stability.analysis.surface import fit_surface, prior_kernel
from tune_stability.errors import UserError
from tune_stability.sampling.counts import Counts
from tune_stability.sampling.distributions import distributions
from tune_stability.sampling.lookahead import Latent, expected_gain, straddle
from tune_stability.spaces import Configuration, SearchSpace

Array = NDArray[np.float64]

COUNTS = "counts"
"""The user attribute of an Optuna trial that holds its `Counts`."""
NUM_CANDIDATES, NUM_CLOSE, NUM_REFERENCE = 512, 64, 512
"""Configurations, those among them that are looked ahead from, and places where the error is judged; each time new."""
_FIRST_FIT = 4


class BoundarySampler(BaseSampler):
    """Proposes the configuration whose trials are expected to take most off the error of the success region.

    The region is where a trial succeeds with probability 1/2 or more; its error is the share of `space` that a fitted
    surface puts on the wrong side. Each recipe has a surface of its own, and their gains are added. What runs still, or
    failed to give an outcome, counts as known with the outcome expected, so that parallel workers spread out.

    An Optuna trial's `counts` attribute says how many trials of each recipe completed and succeeded there; without it
    its value is taken for the share of successes of `num_seeds` trials, as many as each proposal will have. The same
    seed and trials give the same proposal. Choices lie in the unit cube in their order.

    Raises `UserError` for `num_seeds` below 1, a value that is no share, counts that cannot be, and when a
    hyperparameter is asked for that `space` has not.
    """

    def __init__(self, space: SearchSpace, *, seed: int = 0, num_seeds: int = 1) -> None:
        if num_seeds < 1:
            raise UserError(f"num_seeds must be at least 1, received {num_seeds}.")
        self._space, self._seed, self._num_seeds = space, seed, num_seeds
        self._kernels: dict[str, tuple[tuple[int, ...], Any]] = {}
        # Under `optimize(n_jobs=...)` a trial that runs has no parameters until its objective asks for them.
        self._proposed: dict[int, Configuration] = {}
        self._one_at_a_time = threading.Lock()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All axes of the space: they are proposed together."""
        return distributions(self._space)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The configuration to try next."""
        with self._one_at_a_time:
            self._proposed[trial.number] = self._next(study, trial.number)
            return dict(self._proposed[trial.number])

    def choose(self, latents: Sequence[Latent], candidates: Array, reference: Array) -> int:
        """The row of `candidates`, shape `(n, n_axes)`, to try: of those nearest to a boundary that with most gain."""
        nearness = np.max([straddle(latent, candidates) for latent in latents], axis=0)
        close = np.argsort(-nearness, kind="stable")[:NUM_CLOSE]
        gains = [expected_gain(latent, candidates[close], reference, self._num_seeds) for latent in latents]
        return int(close[np.argmax(np.sum(gains, axis=0))])

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Refuse: a hyperparameter out of the space has no part in the surface."""
        raise UserError(
            f"the sampler boundary proposes the axes of its space ({', '.join(self._space.names)}), received a request "
            f"for {param_name} over {param_distribution}; ask for the axes over their ranges in the space."
        )

    def _next(self, study: Study, number: int) -> Configuration:
        others = [other for other in study.get_trials(deepcopy=False) if other.number != number]
        known = [(other, self._counts(other)) for other in others if other.state == TrialState.COMPLETE]
        unknown = (self._configuration(other) for other in others if other.state != TrialState.COMPLETE)
        planned = self._points([configuration for configuration in unknown if configuration is not None])
        rng = np.random.default_rng([self._seed, number])
        candidates, reference = (self._fill(size, rng) for size in (NUM_CANDIDATES, NUM_REFERENCE))
        latents = []
        for recipe in sorted({recipe for _, counts in known for recipe in counts}) or [""]:
            arm = self._arm(recipe, known)
            latent = Latent.given(self._kernel(recipe, arm), arm.points, arm.successes, arm.completed)
            latents.append(latent.planned(planned, self._num_seeds))
        return self._space.configuration(candidates[self.choose(latents, candidates, reference)])

    def _configuration(self, trial: FrozenTrial) -> Configuration | None:
        """Where a trial runs or ran; None if that is not settled yet."""
        settled = set(self._space.names) <= trial.params.keys()
        return trial.params if settled else self._proposed.get(trial.number)

    def _counts(self, trial: FrozenTrial) -> Counts:
        if COUNTS in trial.user_attrs:
            counts = {recipe: (s, n) for recipe, (s, n) in trial.user_attrs[COUNTS].items()}
            if not counts or not all(n >= 1 and 0 <= s <= n for s, n in counts.values()):
                raise UserError(
                    "the sampler boundary needs by recipe the successes and the completed trials, of which there is at "
                    f"least one, received the counts {counts} from trial {trial.number}."
                )
            return counts
        if trial.value is None or not 0 <= trial.value <= 1:
            raise UserError(
                f"the sampler boundary needs a share of successes in [0, 1] as the value of a trial, received "
                f"{trial.value} from trial {trial.number}."
            )
        return {"": (round(trial.value * self._num_seeds), self._num_seeds)}

    def _arm(self, recipe: str, known: list[tuple[FrozenTrial, Counts]]) -> _Arm:
        own = [(trial, counts[recipe]) for trial, counts in known if recipe in counts]
        successes, completed = np.array([count for _, count in own], dtype=float).reshape(-1, 2).T
        numbers = tuple(trial.number for trial, _ in own)
        return _Arm(numbers, self._points([trial.params for trial, _ in own]), successes, completed)

    def _points(self, configurations: Sequence[Configuration]) -> Array:
        points = [self._space.point(configuration) for configuration in configurations]
        return np.array(points).reshape(-1, len(self._space.axes))

    def _fill(self, size: int, rng: np.random.Generator) -> Array:
        """Points that fill the space, shape `(size, n_axes)`; on an axis of whole numbers or choices, at these."""
        drawn = qmc.Sobol(len(self._space.axes), scramble=True, rng=rng).random(size)
        return np.array([self._space.point(self._space.configuration(point)) for point in drawn])

    def _kernel(self, recipe: str, arm: _Arm) -> Any:
        """The kernel fitted to the first of the arm's trials, anew whenever there are a fifth more of them."""
        size = _fitted_size(len(arm.numbers))
        first = arm.numbers[:size]
        if recipe not in self._kernels or self._kernels[recipe][0] != first:
            fit = fit_surface(arm.success(size), arm.points[:size]).fit if size else None
            self._kernels[recipe] = first, prior_kernel(len(self._space.axes)) if fit is None else fit.kernel
        return self._kernels[recipe][1]


@dataclass(frozen=True)
class _Arm:
    """What is known of a recipe: the numbers of the Optuna trials, and for each its point and counts."""

    numbers: tuple[int, ...]
    points: Array
    successes: Array
    completed: Array

    def success(self, size: int) -> Array:
        """The first `size` counts as trials, shape `(size, most completed)`: 1, 0 or NaN."""
        column = np.arange(int(self.completed[:size].max()))
        won = np.where(column < self.successes[:size, None], 1.0, 0.0)
        return np.where(column < self.completed[:size, None], won, np.nan)


def _fitted_size(n: int) -> int:
    """The largest number of trials, up to `n`, at which a kernel is fitted; 0 if there are too few."""
    size, following = 0, _FIRST_FIT
    while following <= n:
        size, following = following, following + max(2, following // 5)
    return size
