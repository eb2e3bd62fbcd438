"""How large the region of hyperparameters is in which a fine-tuning recipe works, and how sure it is to work there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tune_stability.hyperparameters import Hyperparameters
from tune_stability.outcomes import SuccessRule
from tune_stability.recipes import Recipe
from tune_stability.spaces import SearchSpace
from tune_stability.trials import TrialConfig, TrialResult

if TYPE_CHECKING:
    from tune_stability.comparing import compare
    from tune_stability.store import load_results

    __version__: str

__all__ = [
    "Hyperparameters",
    "Recipe",
    "SearchSpace",
    "SuccessRule",
    "TrialConfig",
    "TrialResult",
    "__version__",
    "compare",
    "load_results",
]


def __getattr__(name: str) -> object:
    # Every module of the package pays for what is imported here, so what takes time waits until it is asked for.
    if name == "compare":
        from tune_stability.comparing import compare

        return compare
    if name == "load_results":
        from tune_stability.store import load_results

        return load_results
    if name == "__version__":
        from importlib.metadata import version

        return version("tune_stability")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
