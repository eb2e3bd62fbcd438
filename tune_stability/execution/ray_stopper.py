"""When Ray Tune is to end although batches still wait in it."""

from __future__ import annotations

from typing import Any

from ray.tune import Stopper

from tune_stability.execution.ray_searcher import BatchSearcher


class AfterFailure(Stopper):
    """Ends a search that has failed once nothing of it runs: what waits might wait for a machine that never comes."""

    def __init__(self, searcher: BatchSearcher) -> None:
        self._searcher = searcher

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._searcher.has_failed_and_landed()
