"""Ray's `OptunaSearch` as the proposer of configurations."""

from __future__ import annotations

from ray.tune.search.optuna import OptunaSearch

from tune_stability.sampling.counts import Counts, share_of_successes
from tune_stability.sampling.optuna_samplers import Known, OptunaMemory
from tune_stability.spaces import Configuration, SearchSpace


class OptunaSearchProposer:
    """Proposes configurations by `OptunaSearch`, whose Optuna study is told what is known so far."""

    def __init__(self, space: SearchSpace, sampler: str, seed: int, known: Known, num_seeds: int = 1) -> None:
        self._memory = OptunaMemory(space, sampler, seed, known, num_seeds)
        self._search = OptunaSearch(
            space=self._memory.distributions,
            metric="success",
            mode="max",
            sampler=self._memory.study.sampler,
            storage=self._memory.storage,
            study_name=self._memory.study.study_name,
        )
        self._proposed: dict[int, int] = {}
        self._placed: dict[int, int] = {}

    def propose(self, key: int) -> Configuration:
        """A configuration to try; `key` names it when its counts are told."""
        proposed = self._search.suggest(str(key))
        if proposed is None:
            raise RuntimeError("OptunaSearch proposed nothing")
        self._proposed[key] = self._memory.newest()
        return proposed

    def place(self, key: int, configuration: Configuration) -> None:
        """Hear that a configuration of the design runs as `key`."""
        self._placed[key] = self._memory.place(configuration)

    def tell(self, key: int, counts: Counts) -> None:
        """What the trials at the configuration of `key` showed."""
        if key in self._placed:
            self._memory.tell(self._placed.pop(key), counts)
            return
        self._memory.keep_counts(self._proposed.pop(key), counts)
        share = share_of_successes(counts)
        if share is None:
            self._search.on_trial_complete(str(key), error=True)
        else:
            self._search.on_trial_complete(str(key), {"success": share})
