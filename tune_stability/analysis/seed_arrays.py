"""From the table of trials of a factorial study to scores by seed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tune_stability.analysis.frames import check_recipes, require_columns
from tune_stability.errors import UserError
from tune_stability.trials import SEED_PARTS


def seed_arrays(frame: pd.DataFrame, recipe: str, n_seeds: int | None = None) -> NDArray[np.float64]:
    """Scores at the end of training, shape `(n_configs, n_init, n_data, n_dropout)`, by configuration and seed.

    `n_seeds`: how many seeds of each kind the study has; by default as many as its rows show. Only design rows are
    used. A score is NaN where the trial is absent, ended in an error, or diverged.

    Raises `UserError` for missing columns, an unknown recipe, a trial that stands twice, more seeds than `n_seeds`, or
    a study whose seeds were not taken apart.
    """
    require_columns(frame, ("recipe", "config_index", "source", "status", "score", *SEED_PARTS))
    check_recipes(frame, (recipe,))
    rows = frame[(frame["recipe"] == recipe) & (frame["source"] == "design")]
    _check_seeds(rows, recipe)
    places = [rows.groupby("config_index")[part].rank("dense").to_numpy(int) - 1 for part in SEED_PARTS]
    found = 1 + max(int(place.max(initial=0)) for place in places)
    if n_seeds is not None and found > n_seeds:
        raise UserError(f"recipe {recipe!r} has {found} seeds of a kind, received n_seeds={n_seeds}; give {found}.")
    levels = found if n_seeds is None else n_seeds
    configurations, index = np.unique(rows["config_index"].to_numpy(int), return_inverse=True)
    scores = np.full((len(configurations), levels, levels, levels), np.nan)
    completed = (rows["status"] == "completed").to_numpy()
    scores[index, places[0], places[1], places[2]] = np.where(completed, rows["score"].to_numpy(float), np.nan)
    return scores


def _check_seeds(rows: pd.DataFrame, recipe: str) -> None:
    seeds = rows[["config_index", *SEED_PARTS]]
    if seeds.isna().any(axis=None) or _are_single(seeds):
        raise UserError(
            f"recipe {recipe!r} was run with the seed scheme single, which leaves its variance whole; "
            "run a new study with --seed-scheme factorial."
        )
    if seeds.duplicated().any():
        first = seeds[seeds.duplicated()].iloc[0].to_dict()
        raise UserError(f"recipe {recipe!r} has several trials for {first}; select one model and one task first.")


def _are_single(seeds: pd.DataFrame) -> bool:
    """Whether a configuration has several seeds, and no trial has different ones."""
    several = (seeds.groupby("config_index")["init_seed"].nunique() > 1).any()
    return bool(several and (seeds[list(SEED_PARTS)].nunique(axis=1) == 1).all())
