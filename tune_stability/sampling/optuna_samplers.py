"""Optuna's samplers over a search space, asked and told in this process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.samplers import BaseSampler, GPSampler, TPESampler
from optuna.trial import TrialState

from tune_stability.errors import unknown_name
from tune_stability.sampling.boundary import COUNTS, BoundarySampler
from tune_stability.sampling.counts import Counts, share_of_successes
from tune_stability.sampling.distributions import distributions
from tune_stability.sampling.enumeration import BOUNDARY
from tune_stability.spaces import Configuration, SearchSpace

ADAPTIVE = ("tpe", "gp", BOUNDARY)
Known = Sequence[tuple[Configuration, Counts]]
"""Configurations of which trials completed, by index, with their counts."""


def make_sampler(name: str, space: SearchSpace, seed: int, num_known: int, num_seeds: int = 1) -> BaseSampler:
    """The sampler of that name, seeded.

    `num_known` keeps a search that goes on from proposing the same again; the sampler boundary counts for itself.
    """
    if name == BOUNDARY:
        return BoundarySampler(space, seed=seed, num_seeds=num_seeds)
    seed = int(np.random.SeedSequence([seed, num_known]).generate_state(1)[0])
    if name == "tpe":
        return TPESampler(seed=seed)
    if name == "gp":
        return GPSampler(seed=seed)
    raise unknown_name("sampler", name, ADAPTIVE)


class OptunaMemory:
    """An Optuna study in memory, which is told what is known so far. `num_seeds`: trials a recipe and proposal."""

    def __init__(self, space: SearchSpace, sampler: str, seed: int, known: Known, num_seeds: int = 1) -> None:
        # The live display says the rest.
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.distributions = distributions(space)
        self.storage = optuna.storages.InMemoryStorage()
        self.study = optuna.create_study(
            storage=self.storage,
            direction="maximize",
            sampler=make_sampler(sampler, space, seed, len(known), num_seeds),
        )
        for configuration, counts in known:
            self._add(configuration, TrialState.COMPLETE, share_of_successes(counts), {COUNTS: dict(counts)})

    def place(self, configuration: Configuration) -> int:
        """Add a configuration that runs now, proposed by no sampler; the number of its Optuna trial."""
        self._add(configuration, TrialState.RUNNING)
        return self.newest()

    def newest(self) -> int:
        """The number of the newest Optuna trial."""
        return self.study.get_trials(deepcopy=False)[-1].number

    def keep_counts(self, number: int, counts: Counts) -> None:
        """Note what a running Optuna trial showed."""
        study_id = self.storage.get_study_id_from_name(self.study.study_name)
        trial_id = self.storage.get_trial_id_from_study_id_trial_number(study_id, number)
        self.storage.set_trial_user_attr(trial_id, COUNTS, dict(counts))

    def tell(self, number: int, counts: Counts) -> None:
        """End a running Optuna trial with what it showed; it failed if no trial of it completed."""
        share = share_of_successes(counts)
        self.keep_counts(number, counts)
        self.study.tell(number, share, state=TrialState.FAIL if share is None else TrialState.COMPLETE)

    def _add(
        self,
        configuration: Configuration,
        state: TrialState,
        share: float | None = None,
        attributes: dict[str, object] | None = None,
    ) -> None:
        self.study.add_trial(
            optuna.trial.create_trial(
                state=state,
                value=share,
                params=dict(configuration),
                distributions=self.distributions,
                user_attrs=attributes,
            )
        )


class AskTell:
    """Proposes configurations by an Optuna study in memory."""

    def __init__(self, space: SearchSpace, sampler: str, seed: int, known: Known, num_seeds: int = 1) -> None:
        self._memory = OptunaMemory(space, sampler, seed, known, num_seeds)
        self._numbers: dict[int, int] = {}

    def propose(self, key: int) -> Configuration:
        """A configuration to try; `key` names it when its counts are told."""
        asked = self._memory.study.ask(fixed_distributions=self._memory.distributions)
        self._numbers[key] = asked.number
        return asked.params

    def place(self, key: int, configuration: Configuration) -> None:
        """Hear that a configuration of the design runs as `key`."""
        self._numbers[key] = self._memory.place(configuration)

    def tell(self, key: int, counts: Counts) -> None:
        """What the trials at the configuration of `key` showed."""
        self._memory.tell(self._numbers.pop(key), counts)
