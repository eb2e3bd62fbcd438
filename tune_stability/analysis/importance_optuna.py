"""The importances of axes that Optuna's evaluators find, for trials at places of a space."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tune_stability.axes import ChoiceAxis
from tune_stability.hyperparameters import Value
from tune_stability.spaces import SearchSpace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.importance import BaseImportanceEvaluator
    from optuna.study import Study

Array = NDArray[np.float64]
Evaluator = Literal["ped_anova", "fanova"]
EVALUATORS: tuple[Evaluator, ...] = ("ped_anova", "fanova")
TOP_SHARE, FEWEST_TOP = 0.1, 5
"""The best tenth is PED-ANOVA's default for the good trials; Optuna's documentation asks for at least five."""


def optuna_importances(
    places: Sequence[dict[str, Value]], values: Array, space: SearchSpace, evaluator: Evaluator, seed: int
) -> Array | None:
    """Optuna's importance of each axis for a high value, adding up to 1; None where there is nothing to attribute.

    `places`: one of `cube_place` for each of the `values`, shape `(n_trials,)`, all finite. `seed` is that of
    fANOVA's forest.
    """
    if values.min(initial=np.inf) == values.max(initial=-np.inf) or all(place == places[0] for place in places):
        return None
    # Slow to load, and most readers of results have no need of it.
    from optuna.importance import get_param_importances

    # Half a trial less, so that rounding does not let in the next one.
    share = (good_trials(values) - 0.5) / len(values)
    found = get_param_importances(
        _study(places, values, space), evaluator=_evaluator(evaluator, share, seed), params=[*space.names]
    )
    return np.array([found[name] for name in space.names])


def good_trials(values: Array) -> int:
    """How many trials PED-ANOVA counts as good: the best tenth and at least five, with all that tie with the last.

    `values`: not all the same. Those that have the lowest value are never good.
    """
    place = min(max(math.ceil(TOP_SHARE * len(values)), FEWEST_TOP), len(values))
    cut = max(np.sort(values)[-place], values[values > values.min()].min())
    return int((values >= cut).sum())


def cube_place(configuration: dict[str, Value], space: SearchSpace) -> dict[str, Value]:
    """A configuration as Optuna is given it: its place on each axis of the unit cube, and choices as they are."""
    return {
        axis.name: configuration[axis.name]
        if isinstance(axis, ChoiceAxis)
        else min(max(axis.position(float(configuration[axis.name])), 0.0), 1.0)
        for axis in space.axes
    }


def _study(places: Sequence[dict[str, Value]], values: Array, space: SearchSpace) -> Study:
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    distributions: dict[str, BaseDistribution] = {
        axis.name: CategoricalDistribution(axis.choices) if isinstance(axis, ChoiceAxis) else FloatDistribution(0, 1)
        for axis in space.axes
    }
    # It would log that it made a study.
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    optuna.logging.set_verbosity(verbosity)
    study.add_trials(
        [
            optuna.trial.create_trial(params=place, distributions=distributions, value=float(value))
            for place, value in zip(places, values, strict=True)
        ]
    )
    return study


def _evaluator(name: Evaluator, share: float, seed: int) -> BaseImportanceEvaluator:
    from optuna.exceptions import ExperimentalWarning
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

    if name == "fanova":
        return FanovaImportanceEvaluator(seed=seed)
    with warnings.catch_warnings():
        # Up to version 4.8 PED-ANOVA counts as experimental.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return PedAnovaImportanceEvaluator(target_quantile=share)
