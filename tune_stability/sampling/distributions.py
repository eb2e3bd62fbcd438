"""The axes of a search space as Optuna's distributions."""

from __future__ import annotations

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tune_stability.axes import AnyAxis, ChoiceAxis
from tune_stability.spaces import SearchSpace


def distributions(space: SearchSpace) -> dict[str, BaseDistribution]:
    """The axes as Optuna's distributions; they have the same measure."""
    return {axis.name: _distribution(axis) for axis in space.axes}


def _distribution(axis: AnyAxis) -> BaseDistribution:
    if isinstance(axis, ChoiceAxis):
        return CategoricalDistribution(axis.choices)
    if axis.is_integer:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.scale == "log")
    return FloatDistribution(axis.low, axis.high, log=axis.scale == "log")
