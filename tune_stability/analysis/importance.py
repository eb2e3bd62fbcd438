"""Which axes of a space decide success and the score, by Optuna's evaluators of hyperparameter importance."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_stability.analysis.frames import check_single, independent, judge, require_columns
from tune_stability.analysis.importance_optuna import EVALUATORS, Evaluator, cube_place, optuna_importances
from tune_stability.analysis.interval import Interval
from tune_stability.analysis.unit_cube import check_inside
from tune_stability.errors import UserError, unknown_name
from tune_stability.hyperparameters import Value
from tune_stability.outcomes import SuccessRule
from tune_stability.spaces import SearchSpace

Array = NDArray[np.float64]
TARGETS = ("success", "score")
LEVEL = 0.95


def importance(
    frame: pd.DataFrame,
    space: SearchSpace,
    rule: SuccessRule | None = None,
    rng: np.random.Generator | None = None,
    n_resamples: int = 0,
    evaluators: Sequence[Evaluator] = EVALUATORS,
) -> pd.DataFrame:
    """The importance of each axis for success and for the score, per recipe, by PED-ANOVA and by fANOVA.

    `frame`: a row per trial; design rows are used, and of a factorial seed scheme those that share no seed. The result
    has a row per `recipe`, `target` (`success`, 1 or 0 by the rule, or `score`, at the end of training), `evaluator`
    and `hyperparameter`, and the fields of an `Interval`, its `estimate` named `importance`.

    The importances of one evaluator add up to 1: they are shares of what each axis does by itself, and interactions
    are in none of them, because Optuna finds none. fANOVA (Hutter et al. 2014) takes the variance of a random forest's
    prediction along an axis. PED-ANOVA (Watanabe et al. 2023) takes how far the good trials are spread from all trials
    along it; good are the successes, or the best tenth of the scores. Optuna is given places in the unit cube: its
    fANOVA takes plain values for uniform, and then almost all of a log axis is its last decade.

    `low` and `high` are percentiles over `n_resamples` bootstrap resamples of configurations with all their seeds, and
    [0, 1] for 0. That is the default because a forest of a few hundred trials takes seconds; PED-ANOVA alone is quick.
    They are never trustworthy: their coverage is not measured, an importance near 0 comes out too high in resamples,
    and a forest takes a configuration that was drawn twice for two that agree. Importance is NaN, with a note, where
    there is nothing to attribute: no trial, one configuration, or all trials alike. Raises `UserError` for missing
    columns, no design rows, a trial that stands twice or lies outside the space, or an unknown evaluator.
    """
    require_columns(frame, space.names)
    rows = frame.reset_index(drop=True)
    rows = rows.assign(success=judge(rows, rule or SuccessRule()))
    rows = rows[(rows["source"] == "design") & independent(rows)]
    if not len(rows):
        raise UserError("the table of trials has no design rows, which importance needs; run a design such as sobol.")
    check_single(rows)
    for axis in space.axes:
        check_inside(rows[axis.name], axis)
    if n_resamples < 0:
        raise UserError(f"n_resamples must be at least 0, received {n_resamples}.")
    for evaluator in evaluators:
        if evaluator not in EVALUATORS:
            raise unknown_name("evaluator", evaluator, EVALUATORS)
    rng = rng if rng is not None else np.random.default_rng(0)
    seed = int(rng.integers(2**31))
    table = []
    for recipe, own in rows.groupby("recipe", sort=False):
        for target in TARGETS:
            data = _data(own, target, space)
            for evaluator in evaluators:
                of_axes = _intervals(data, evaluator, seed, rng, n_resamples)
                for name, interval in zip(space.names, of_axes, strict=True):
                    names = {"recipe": recipe, "target": target, "evaluator": evaluator, "hyperparameter": name}
                    table.append({**names, **_fields(interval)})
    return pd.DataFrame(table)


@dataclass(frozen=True)
class _Data:
    """One recipe's trials and one target, in the order of the trials; `groups` are those of each configuration."""

    space: SearchSpace
    places: list[dict[str, Value]]
    values: Array
    groups: list[NDArray[np.int_]]
    missing: int
    note: str

    def importances(self, chosen: NDArray[np.int_], evaluator: Evaluator, seed: int) -> Array | None:
        return optuna_importances([self.places[i] for i in chosen], self.values[chosen], self.space, evaluator, seed)


def _data(rows: pd.DataFrame, target: str, space: SearchSpace) -> _Data:
    completed = rows[rows["status"] == "completed"]
    used = completed[np.isfinite(completed[target].to_numpy(dtype=float, na_value=np.nan))]
    places = [cube_place(row, space) for row in used[list(space.names)].to_dict("records")]
    groups = [np.asarray(places) for places in used.groupby("config_index").indices.values()]
    left_out = len(completed) - len(used)
    note = f"{left_out} completed trials have no score and are left out." if left_out else ""
    return _Data(space, places, used[target].to_numpy(float), groups, len(rows) - len(used), note)


def _intervals(
    data: _Data, evaluator: Evaluator, seed: int, rng: np.random.Generator, n_resamples: int
) -> list[Interval]:
    """One for each axis of the space."""
    n_axes = len(data.space.axes)
    found = data.importances(np.arange(len(data.values)), evaluator, seed)
    estimate, limits, notes = np.full(n_axes, np.nan), np.tile([[0.0], [1.0]], n_axes), [data.note]
    if found is None:
        notes.append("All trials are alike or at one configuration, so there is nothing to attribute.")
    else:
        estimate = found
        if n_axes == 1:
            notes.append("The only axis has all of the importance.")
        elif n_resamples:
            limits = _bootstrap(data, evaluator, seed, rng, n_resamples)
    notes.append("Importance is descriptive: the coverage of its interval has not been measured.")
    method = f"Optuna's {evaluator}, {n_resamples} bootstrap resamples of configurations"
    note = " ".join(filter(None, notes))
    n_configs, n_trials = len(data.groups), len(data.values)
    return [
        Interval(value, low, high, LEVEL, n_configs, n_trials, data.missing, method, trustworthy=False, note=note)
        for value, low, high in zip(estimate.tolist(), *limits.tolist(), strict=True)
    ]


def _bootstrap(data: _Data, evaluator: Evaluator, seed: int, rng: np.random.Generator, n_resamples: int) -> Array:
    """Lower and upper percentile of each axis, shape `(2, n_axes)`; [0, 1] if a resample has nothing to attribute."""
    found = []
    for _ in range(n_resamples):
        drawn = rng.integers(len(data.groups), size=len(data.groups))
        found.append(data.importances(np.concatenate([data.groups[i] for i in drawn]), evaluator, seed))
    if any(one is None for one in found):
        return np.tile([[0.0], [1.0]], len(data.space.axes))
    return np.asarray(np.quantile(np.array(found), (0.5 - LEVEL / 2, 0.5 + LEVEL / 2), axis=0))


def _fields(interval: Interval) -> dict[str, object]:
    fields = dataclasses.asdict(interval)
    return {"importance": fields.pop("estimate"), **fields}
