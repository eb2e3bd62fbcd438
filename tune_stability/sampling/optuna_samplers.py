"""Optuna's samplers over a search space, asked and told in this process."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, GPSampler, TPESampler

from tune_stability.axes import AnyAxis, ChoiceAxis
from tune_stability.errors import unknown_name
from tune_stability.spaces import Configuration, SearchSpace

ADAPTIVE = ("tpe", "gp")


def make_sampler(name: str, seed: int, num_known: int) -> BaseSampler:
    """Optuna's sampler of that name, seeded; `num_known` keeps a search that goes on from proposing the same again."""
    seed = int(np.random.SeedSequence([seed, num_known]).generate_state(1)[0])
    if name == "tpe":
        return TPESampler(seed=seed)
    if name == "gp":
        return GPSampler(seed=seed)
    raise unknown_name("sampler", name, ADAPTIVE)


def quiet_optuna() -> None:
    """Let Optuna log warnings only; the live display says the rest."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """The axes as Optuna's distributions; they have the same measure."""
    return {axis.name: _distribution(axis) for axis in space.axes}


class AskTell:
    """Proposes configurations by an Optuna study in memory, which is told the scores known so far."""

    def __init__(
        self, space: SearchSpace, sampler: str, seed: int, known: Iterable[tuple[Configuration, float]]
    ) -> None:
        quiet_optuna()
        known = list(known)
        self._distributions = distributions(space)
        self._study = optuna.create_study(direction="maximize", sampler=make_sampler(sampler, seed, len(known)))
        self._asked: dict[int, optuna.Trial] = {}
        for configuration, score in known:
            self._study.add_trial(
                optuna.trial.create_trial(params=dict(configuration), distributions=self._distributions, value=score)
            )

    def propose(self, key: int) -> Configuration:
        """A configuration to try; `key` names it when its score is told."""
        self._asked[key] = self._study.ask(fixed_distributions=self._distributions)
        return self._asked[key].params

    def tell(self, key: int, score: float | None) -> None:
        """The share of successes at the configuration proposed under `key`, None if no trial of it completed."""
        state = optuna.trial.TrialState.FAIL if score is None else optuna.trial.TrialState.COMPLETE
        self._study.tell(self._asked.pop(key), score, state=state)


def _distribution(axis: AnyAxis) -> BaseDistribution:
    if isinstance(axis, ChoiceAxis):
        return CategoricalDistribution(axis.choices)
    if axis.is_integer:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.scale == "log")
    return FloatDistribution(axis.low, axis.high, log=axis.scale == "log")
