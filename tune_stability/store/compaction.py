"""Merging the many small files of a study into one for each table."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tune_stability.store.location import Location
from tune_stability.store.patience import one_line
from tune_stability.store.reader import stored_ids
from tune_stability.store.schema import TABLES, column_names
from tune_stability.store.shards import StoreWarning, read_shards, warn_of_damage, winning_steps, winning_trials
from tune_stability.store.study import study_folder
from tune_stability.store.writer import parquet

_THREADS = 32


def compact(location: str | Path | Location) -> int:
    """Merge the files of each table that can be read into one; the number of files merged.

    The merged file is in place before the first of the others is deleted, and readers take one row of each
    trial, so at any moment, and after a crash at any moment, the study reads the same. Logged steps
    without a trial's row are kept, since that trial may be about to be stored. Checkpoints that an earlier
    search left of completed trials are deleted.

    Raises `UserError` if the place is no study or cannot be written to, or a file is of a newer version.
    """
    place = study_folder(location)
    merged = 0
    damaged: list[str] = []
    left: list[str] = []
    for table in TABLES:
        shards = read_shards(place, table, column_names(table))
        damaged += shards.damaged
        if len(shards.whole) < 2:
            continue
        rows = winning_trials(shards) if table == "trials" else winning_steps(shards)
        place.write(place.compacted(table), parquet(rows))
        left += _delete(place, shards.whole)
        merged += len(shards.whole)
    left += _delete(place, _needless_checkpoints(place))
    warn_of_damage(place, damaged, stacklevel=2)
    if left:
        warnings.warn(
            f"{place.name}: could not delete {len(left)} file(s) that are not needed any more, such as {left[0]}; the "
            "study reads the same with them, delete them when it is writable.",
            StoreWarning,
            stacklevel=2,
        )
    return merged


def _needless_checkpoints(place: Location) -> list[str]:
    kept = place.checkpoints()
    if not kept:
        return []
    statuses = stored_ids(place)
    return [path for trial_id, path in kept.items() if statuses.get(trial_id) == "completed"]


def _delete(place: Location, paths: Iterable[str]) -> list[str]:
    """Delete the files; those that could not be, each with the reason."""

    def delete(path: str) -> str | None:
        try:
            place.delete(path)
        except OSError as error:
            return f"{path.removeprefix(place.root + '/')} ({one_line(error)})"
        return None

    # In an object store each costs a round trip.
    with ThreadPoolExecutor(_THREADS) as pool:
        return [failure for failure in pool.map(delete, paths) if failure is not None]
