"""Reading a study's tables with pandas."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tune_stability.errors import unknown_name
from tune_stability.store.location import Location
from tune_stability.store.schema import TABLES, Table, column_names
from tune_stability.store.shards import read_shards, warn_of_damage, winning_steps, winning_trials
from tune_stability.store.study import study_folder

if TYPE_CHECKING:
    import pandas as pd

_ORDER = ("config_index", "seed", "recipe", "trial_id")
_KEYS = (*_ORDER, "status", "started_at")


def load_results(
    path: str | Path | Location,
    columns: Sequence[str] | None = None,
    table: Table = "trials",
    trial_ids: Collection[str] | None = None,
) -> pd.DataFrame:
    """A table of a study: trials (a row for each trial), curves or gradients (rows for each completed trial).

    Args:
        path: the study's folder, a local path or a URL that `pyarrow.fs` opens.
        columns: the columns to read, all by default. `store.schema.TABLES` documents them.
        table: which table.
        trial_ids: the trials whose rows to read, all by default. Ids that the study does not have are no error.

    Rows come in the order of config_index, seed and recipe, then step and layer group. Of several rows of one
    trial a completed one wins over an error, then the one that started last. Files that cannot be read are
    left out and named in one `StoreWarning`.

    Raises `UserError` if the path is no study, a column is unknown, or the study is of a newer version.
    """
    if table not in TABLES:
        raise unknown_name("table", str(table), TABLES)
    names = _checked(columns, table)
    place = study_folder(path)
    # Trials come first: whoever has written a trial's row has written its logged steps before.
    trials = read_shards(place, "trials", {*_KEYS, *names} if table == "trials" else _KEYS, trial_ids)
    rows = winning_trials(trials)
    rows = rows.take(pc.sort_indices(rows, [(name, "ascending") for name in _ORDER]))
    damaged = trials.damaged
    if table != "trials":
        completed = rows.filter(pc.equal(rows["status"], "completed"))["trial_id"]
        steps = read_shards(place, table, column_names(table), trial_ids)
        damaged += steps.damaged
        rows = _in_order_of(completed, winning_steps(steps))
    warn_of_damage(place, damaged, stacklevel=2)
    return _to_pandas(rows.select(names), table)


def stored_ids(location: str | Path | Location) -> dict[str, str]:
    """The status, completed or error, of each trial that the study has, by trial id. Raises `UserError`."""
    place = study_folder(location)
    shards = read_shards(place, "trials", ("trial_id", "status"))
    warn_of_damage(place, shards.damaged, stacklevel=2)
    pairs = list(zip(shards.rows["trial_id"].to_pylist(), shards.rows["status"].to_pylist(), strict=True))
    return dict(pairs) | {trial_id: status for trial_id, status in pairs if status == "completed"}


def _checked(columns: Sequence[str] | None, table: Table) -> list[str]:
    allowed = column_names(table)
    if columns is None:
        return list(allowed)
    wanted = list(dict.fromkeys([columns] if isinstance(columns, str) else columns))
    for name in wanted:
        if name not in allowed:
            raise unknown_name(f"column of {table}", str(name), allowed)
    return wanted


def _in_order_of(trial_ids: pa.ChunkedArray, steps: pa.Table) -> pa.Table:
    rank = pc.index_in(steps["trial_id"], value_set=trial_ids.combine_chunks())
    ranked = steps.append_column("rank", rank).filter(pc.is_valid(rank))
    keys = [name for name in ("rank", "step", "layer_group") if name in ranked.column_names]
    return ranked.take(pc.sort_indices(ranked, [(name, "ascending") for name in keys]))


def _to_pandas(rows: pa.Table, table: Table) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas()
    # A whole number that may be missing keeps its type, missing or not.
    whole = [column.name for column in TABLES[table] if column.nullable and pa.types.is_integer(column.type)]
    return frame.astype(dict.fromkeys(frame.columns.intersection(whole), "Int64"))
