"""Ray's `OptunaSearch` as the proposer of configurations."""

from __future__ import annotations

from collections.abc import Sequence

from ray.tune.search.optuna import OptunaSearch

from tune_stability.sampling.optuna_samplers import distributions, make_sampler, quiet_optuna
from tune_stability.spaces import Configuration, SearchSpace


class OptunaSearchProposer:
    """Proposes configurations by `OptunaSearch`, which is told the shares of successes known so far."""

    def __init__(
        self, space: SearchSpace, sampler: str, seed: int, known: Sequence[tuple[Configuration, float]]
    ) -> None:
        quiet_optuna()
        self._search = OptunaSearch(
            space=distributions(space),
            metric="success",
            mode="max",
            sampler=make_sampler(sampler, seed, len(known)),
            points_to_evaluate=[dict(configuration) for configuration, _ in known] or None,
            evaluated_rewards=[score for _, score in known] or None,
        )

    def propose(self, key: int) -> Configuration:
        """A configuration to try; `key` names it when its score is told."""
        proposed = self._search.suggest(str(key))
        if proposed is None:
            raise RuntimeError("OptunaSearch proposed nothing")
        return proposed

    def tell(self, key: int, score: float | None) -> None:
        """The share of successes at the configuration proposed under `key`, None if no trial of it completed."""
        if score is None:
            self._search.on_trial_complete(str(key), error=True)
        else:
            self._search.on_trial_complete(str(key), {"success": score})
