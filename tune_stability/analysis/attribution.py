"""How much of a widening each ingredient of a recipe brings: Shapley values over the recipes between two corners."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tune_stability.analysis.contrast import contrast_interval
from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region_mean import Array, Design, check_success, make_sample
from tune_stability.errors import UserError

Ingredients = frozenset[str]


@dataclass(frozen=True)
class Attribution:
    """The widening from no ingredient to all of them, and what each brings to it, in [-1, 1].

    `shapley` has a value for each ingredient; their estimates sum to that of `widening`. `interactions` has the Shapley
    interaction index of each pair: above 0 where two bring more together than each alone, in [-2, 2].
    """

    widening: Interval
    shapley: dict[str, Interval]
    interactions: dict[tuple[str, str], Interval]


def attribution(
    success: Mapping[Ingredients, ArrayLike],
    points: ArrayLike | None = None,
    design: Design = "sobol",
    level: float = 0.95,
    replicate: ArrayLike | None = None,
) -> Attribution:
    """Shapley values (Shapley 1953) of `k` ingredients from the `2**k` arms that have each set of them.

    `success`: by the set of its ingredients, each arm's success array of shape `(n_configs, n_seeds)`, 1, 0 or NaN, row
    by row the same configuration and column by column the same seed. `points` and `replicate` as in `success_rate`.
    Only seeds with an outcome in every arm are used; `missing` counts the others.

    The value of an ingredient is what it adds to the success rate, averaged over all orders in which the ingredients
    could be added. At one configuration and seed it is a sum of the arms' successes with fixed weights, so its
    interval is that of a region mean of such sums (`contrast_interval`), and pairs all arms by configuration. The
    interactions (Grabisch and Roubens 1999) are sums with other weights. Intervals are for one number each, not for
    all at once; they generalize to the mean over the whole space and over new seeds. Nothing is resampled.

    >>> nothing, one, other, both = [[0], [0], [0]], [[1], [0], [0]], [[0], [0], [0]], [[1], [1], [0]]
    >>> sets = frozenset(), frozenset({"a"}), frozenset({"b"}), frozenset({"a", "b"})
    >>> result = attribution(dict(zip(sets, (nothing, one, other, both))), design="random")
    >>> {name: round(value.estimate, 3) for name, value in result.shapley.items()}
    {'a': 0.5, 'b': 0.167}

    Raises `UserError` unless there is just one arm for every set of ingredients, all of one shape.
    """
    names = sorted(frozenset().union(*success)) if success else []
    arms = {arm: check_success(values) for arm, values in success.items()}
    _check_arms(arms, names)
    sample = make_sample(points, len(next(iter(arms.values()))), design, replicate)
    lacking = np.isnan(sum(arms.values()))
    arms = {arm: np.where(lacking, np.nan, values) for arm, values in arms.items()}

    def interval(weights: dict[Ingredients, int], size: float) -> Interval:
        return contrast_interval(arms, weights, size, sample, level)

    return Attribution(
        interval({frozenset(names): 1, frozenset(): -1}, 1.0),
        {name: interval(interaction_weights(names, {name}), 1.0) for name in names},
        {pair: interval(interaction_weights(names, set(pair)), 2.0) for pair in itertools.combinations(names, 2)},
    )


def interaction_weights(names: list[str], group: set[str]) -> dict[Ingredients, int]:
    """The weight of each arm in the Shapley interaction index of `group`, times `(k - g + 1)!` to be a whole number.

    Grabisch and Roubens (1999), definition 4: the mean of the group's difference (all of it, less all but one, and so
    on) over the sets of the `k - g` other ingredients, a set of `s` weighted by `s! (k - g - s)! / (k - g + 1)!`. For
    a group of one ingredient it is the Shapley value.
    """
    others = [name for name in names if name not in group]
    weights = {}
    for rest in _subsets(others):
        share = math.factorial(len(rest)) * math.factorial(len(others) - len(rest))
        for part in _subsets(sorted(group)):
            weights[rest | part] = share * (-1) ** (len(group) - len(part))
    return weights


def _subsets(names: list[str]) -> Iterator[Ingredients]:
    for size in range(len(names) + 1):
        yield from map(frozenset, itertools.combinations(names, size))


def _check_arms(arms: Mapping[Ingredients, Array], names: list[str]) -> None:
    if not names:
        raise UserError(f"attribution needs an arm with an ingredient and one without, received {len(arms)} arms.")
    for arm in _subsets(names):
        if arm not in arms:
            raise UserError(
                f"attribution to {', '.join(names)} needs {2 ** len(names)} arms, received {len(arms)}; "
                f"add the one with {', '.join(sorted(arm)) or 'none of them'}."
            )
    shapes = {values.shape for values in arms.values()}
    if len(shapes) > 1:
        raise UserError(f"paired arms need the same shape, received {', '.join(map(str, sorted(shapes)))}.")
