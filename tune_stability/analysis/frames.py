"""From the table of trials to success arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_stability.analysis.unit_cube import unit_points
from tune_stability.errors import UserError, unknown_name
from tune_stability.outcomes import SuccessRule
from tune_stability.spaces import SearchSpace
from tune_stability.trials import SEED_PARTS

Array = NDArray[np.float64]

COLUMNS = ("recipe", "config_index", "source", "seed", "status", "score", "majority_score")


@dataclass(frozen=True)
class Arms:
    """Success arrays, shape `(n_configs, n_seeds)`, of several recipes on the same configurations and seeds.

    `scores`, of the same shape, are those at the end of training, NaN where a run diverged or is missing; `majority` is
    the median of the majority scores.
    `configurations` has a row per configuration, in the order of the arrays, with the space's axes as columns;
    `points` are the same, shape `(n_configs, n_axes)`, in the unit cube. `replicate`, shape `(n_configs,)`, tells the
    independent scrambles of the design apart, None if it is of one. `dropped` counts the
    configurations left out because not every recipe has rows for them.
    """

    success: dict[str, Array]
    scores: dict[str, Array]
    majority: float
    configurations: pd.DataFrame
    points: Array
    replicate: NDArray[np.int64] | None
    dropped: int


def judge(frame: pd.DataFrame, rule: SuccessRule) -> pd.Series[float]:
    """1.0 or 0.0 for every completed row, by the rule; NaN for all others, which have no outcome.

    The rule `within` is measured by the best configuration's median score over all recipes and over design and
    adaptive rows; a diverged trial without a score counts as the worst in that median. Raises `UserError` for missing
    columns, and for a completed trial without a majority score, which no rule can judge.
    """
    require_columns(frame, COLUMNS)
    completed = frame["status"] == "completed"
    if unknown := int((completed & frame["majority_score"].isna()).sum()):
        raise UserError(
            f"{unknown} completed trials have no majority_score, to which their score is compared; leave them out, or "
            "let the trainable return it."
        )
    best = np.nan
    if rule.kind == "within" and completed.any():
        scores = frame.loc[completed, ["recipe", "source", "config_index"]].assign(
            score=frame.loc[completed, "score"].fillna(-np.inf)
        )
        best = float(scores.groupby(["recipe", "source", "config_index"])["score"].median().max())
    score, majority = (frame[name].to_numpy(dtype=float, na_value=np.nan) for name in ("score", "majority_score"))
    judged = rule.succeeded(score, majority, best)
    return pd.Series(np.where(completed, judged.astype(float), np.nan), index=frame.index, name="success")


def success_arrays(
    frame: pd.DataFrame, recipes: Sequence[str], space: SearchSpace, rule: SuccessRule | None = None
) -> Arms:
    """The success arrays of `recipes` from design rows, with configurations by index and seeds by number.

    Only configurations that have rows in every recipe are kept. The seeds of a configuration are those of
    any recipe, sorted; a trial that is absent or ended in an error is NaN. Only `independent` trials are used.
    Raises `UserError` for missing columns, an unknown recipe or one without design rows, a trial that stands twice, a
    configuration that differs between recipes or lies outside the space, or no common one.
    """
    require_columns(frame, (*COLUMNS, *space.names))
    check_recipes(frame, recipes)
    rows = frame.assign(success=judge(frame, rule or SuccessRule()))
    rows = rows[(rows["source"] == "design") & rows["recipe"].isin(list(recipes)) & independent(rows)]
    for name in recipes:
        if not (rows["recipe"] == name).any():
            raise UserError(
                f"the recipe {name!r} has no design rows, which its success rate needs; run more of the study, or a "
                "design such as the sampler sobol."
            )
    check_single(rows)
    having = rows.groupby("config_index")["recipe"].nunique()
    common = having.index[having == len(set(recipes))]
    if len(common) == 0:
        raise UserError(
            f"the recipes {', '.join(recipes)} have no common configuration among the design rows; "
            "run them on the same design."
        )
    rows = rows[rows["config_index"].isin(common)].sort_values(["config_index", "seed"])
    configurations = single_configurations(rows, space)
    seeds = rows[["config_index", "seed"]].drop_duplicates()
    place = seeds.assign(column=seeds.groupby("config_index").cumcount())
    rows = rows.merge(place, on=["config_index", "seed"])
    shape = (len(configurations), int(place["column"].max()) + 1)
    success, scores = {}, {}
    for name in recipes:
        own = rows[rows["recipe"] == name]
        cell = configurations.index.get_indexer(pd.Index(own["config_index"])), own["column"]
        success[name], scores[name] = np.full(shape, np.nan), np.full(shape, np.nan)
        success[name][cell] = own["success"]
        scores[name][cell] = np.where(own["success"].isna(), np.nan, own["score"].to_numpy(float, na_value=np.nan))
    majorities = rows["majority_score"].to_numpy(float, na_value=np.nan)
    majority = float(np.nanmedian(majorities)) if np.isfinite(majorities).any() else np.nan
    points, replicate = unit_points(configurations, space), _replicate(rows, configurations)
    return Arms(success, scores, majority, configurations, points, replicate, len(having) - len(common))


def independent(frame: pd.DataFrame) -> pd.Series[bool]:
    """Which trials share no seed with another trial of their configuration and recipe; all of a single seed scheme.

    Of a factorial scheme, those whose three seeds are one. The others share seeds with them, so their noise is
    correlated, which the intervals of success rates, widenings and basins do not know: where initialization decides
    most, that of the rate over 32 Sobol configurations covers in 84 % of studies if it counts all 27 trials of each,
    and in 96 % with the 3 independent ones (`experiments/variance`). It is then 1.6 times wider.
    """
    if not set(SEED_PARTS) <= set(frame.columns):
        return pd.Series(True, index=frame.index)
    # A store from before these columns has none of the three.
    init, data, dropout = (frame[part].fillna(-1) for part in SEED_PARTS)
    return ((init == data) & (data == dropout)).astype(bool)


def check_recipes(frame: pd.DataFrame, recipes: Sequence[str]) -> None:
    """Raises `UserError` unless the table of trials has a row of each recipe."""
    if not len(frame):
        raise UserError("the table of trials has no rows; run the study first.")
    known = list(map(str, frame["recipe"].unique()))
    for name in recipes:
        if name not in known:
            raise unknown_name("recipe", name, known)


def check_single(rows: pd.DataFrame) -> None:
    """Raises `UserError` if a trial stands twice."""
    twice = rows.duplicated(["recipe", "config_index", "seed"])
    if twice.any():
        first = rows[twice].iloc[0]
        raise UserError(
            f"recipe {first['recipe']!r} has several trials for config_index {first['config_index']} and seed "
            f"{first['seed']}; select one model and one task first."
        )


def require_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Raises `UserError` naming the columns that the table of trials lacks."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise UserError(f"the table of trials lacks the columns {', '.join(missing)}; read it with load_results.")


def single_configurations(rows: pd.DataFrame, space: SearchSpace) -> pd.DataFrame:
    """A row per `config_index`, with the space's axes. Raises `UserError` if one is not the same in all its trials."""
    axes = rows.groupby("config_index")[list(space.names)]
    differing = (axes.nunique(dropna=False) > 1).any(axis=1)
    if differing.any():
        raise UserError(
            f"config_index {differing.idxmax()} is not the same configuration in every trial; "
            "the rows come from different designs, so select those of one."
        )
    return axes.first()


def _replicate(rows: pd.DataFrame, configurations: pd.DataFrame) -> NDArray[np.int64] | None:
    if "replicate" not in rows.columns or rows["replicate"].isna().any():
        return None
    return rows.groupby("config_index")["replicate"].first().loc[configurations.index].to_numpy(np.int64)
