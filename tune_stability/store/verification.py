"""Checking a store row by row: that all of it can be read, and that it holds what its ids say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tune_stability.errors import UserError
from tune_stability.store.configs import config_of_row
from tune_stability.store.location import Location
from tune_stability.store.schema import TABLES, Table, column_names
from tune_stability.store.shards import Shards, read_shards, winning_trials
from tune_stability.store.study import study_folder

# What two attempts at one trial may differ in.
_CIRCUMSTANCES = frozenset(
    {
        *("study", "recipe", "config_index", "source", "replicate", "seconds", "device", "started_at"),
        *("tune_stability_version", "python_version", "torch_version", "transformers_version", "git_commit"),
    }
)


@dataclass(frozen=True)
class Verification:
    """What was looked at and what is wrong: `defects` has a sentence for each kind of it, empty for a sound store.

    `trial_ids` are those that have a row; `notes` say what is worth knowing and no defect.
    """

    n_files: int
    trial_ids: tuple[str, ...]
    defects: tuple[str, ...]
    notes: tuple[str, ...]


def verify_store(location: str | Path | Location) -> Verification:
    """Read every file of a study and check it: schema, ids, and rows of one trial against each other.

    Raises `UserError` if the place is no study, or a file is of a newer version.
    """
    place = study_folder(location)
    shards = {table: read_shards(place, table, column_names(table)) for table in TABLES}
    damaged = [path.removeprefix(place.root + "/") for one in shards.values() for path in one.damaged]
    defects = [f"{len(damaged)} files cannot be read: {_some(damaged)}"] if damaged else []
    rows = shards["trials"].rows.to_pandas()
    defects += _wrong_ids(winning_trials(shards["trials"]).to_pandas())
    differing, repeated = _repeated(rows)
    if differing:
        defects.append(f"{len(differing)} trials have completed rows that differ: {_some(differing)}")
    notes = [f"{repeated} rows repeat another one; compacting leaves one of each"] if repeated else []
    notes += _unmatched_steps(shards, rows)
    n_files = sum(len(one.whole) + len(one.damaged) for one in shards.values())
    return Verification(n_files, tuple(sorted(rows["trial_id"].unique())), tuple(defects), tuple(notes))


def _wrong_ids(rows: pd.DataFrame) -> list[str]:
    wrong = {}
    for row in rows.to_dict("records"):
        try:
            config_of_row({str(name): value for name, value in row.items()})
        except UserError as error:
            wrong[str(row["trial_id"])] = str(error)
    if not wrong:
        return []
    return [
        f"{len(wrong)} rows are not of the trial that their id says: {_some(list(wrong))}; {next(iter(wrong.values()))}"
    ]


def _repeated(rows: pd.DataFrame) -> tuple[list[str], int]:
    """The trials whose completed rows differ in a result, and how many rows repeat another."""
    completed = rows[rows["status"] == "completed"]
    several = completed[completed["trial_id"].duplicated(keep=False)]
    results = [name for name in several.columns if name not in _CIRCUMSTANCES]
    # Lists have no equality of their own, and NaN none at all; their texts do.
    texts = several[results].astype(str)
    differing = texts.groupby("trial_id").nunique().gt(1).any(axis=1) if len(texts) else pd.Series(dtype=bool)
    return [str(one) for one in differing.index[differing]], int(rows["trial_id"].duplicated().sum())


def _unmatched_steps(shards: Mapping[Table, Shards], rows: pd.DataFrame) -> list[str]:
    completed = set(rows.loc[rows["status"] == "completed", "trial_id"])
    notes = []
    tables: tuple[Table, ...] = ("curves", "gradients")
    for table in tables:
        having = set(shards[table].rows["trial_id"].to_pylist())
        if without := sorted(completed - having):
            notes.append(f"{len(without)} completed trials have no {table}: {_some(without)}")
        if orphans := sorted(having - set(rows["trial_id"])):
            notes.append(f"{len(orphans)} trials have {table} and no row, as one in flight or killed: {_some(orphans)}")
    return notes


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
