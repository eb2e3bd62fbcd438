"""Reading all files of one table, whatever has happened to some of them."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tune_stability.errors import StoreWarning, UserError
from tune_stability.store.location import Location, is_compacted, trial_of
from tune_stability.store.schema import SCHEMA_VERSION, VERSION_KEY, Table, arrow_schema, conformed

# For object stores, where a file costs a round trip; a local disk does not mind.
_THREADS = 32


@dataclass(frozen=True)
class Shards:
    """The rows of a table's files, oldest file first; `file`, shape `(n_rows,)`, counts which file each row is from."""

    rows: pa.Table
    file: NDArray[np.int64]
    whole: tuple[str, ...]
    damaged: tuple[str, ...]


def read_shards(
    location: Location, table: Table, columns: Iterable[str], trial_ids: Collection[str] | None = None
) -> Shards:
    """Read these columns of every file of a table. `trial_id` must be among them.

    Of `trial_ids` alone if they are given: files of other trials are not opened, and their rows not kept.

    Raises `UserError` if a file is of a newer version than this code, or cannot be fetched: it may be whole.
    """
    schema = arrow_schema(table, columns)
    wanted = None if trial_ids is None else frozenset(trial_ids)
    read = partial(_read, location, table, schema, wanted)
    paths = _shards(location, table, wanted)
    done: dict[str, pa.Table | _Unread] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        while True:
            new = [path for path in paths if path not in done]
            done.update(zip(new, pool.map(read, new), strict=True))
            # A compaction meanwhile may have moved rows from files not yet read into one not yet listed.
            again = _shards(location, table, wanted)
            if not any(is_compacted(path) and path not in done for path in again):
                break
            paths = again
    whole = {path: rows for path in paths if not isinstance(rows := done[path], _Unread)}
    tables = list(whole.values())
    return Shards(
        rows=pa.concat_tables([schema.empty_table(), *tables]).combine_chunks(),
        file=np.repeat(np.arange(len(tables)), np.array([rows.num_rows for rows in tables], np.int64)),
        whole=tuple(whole),
        damaged=tuple(path for path in paths if done[path] is _DAMAGED),
    )


def winning_trials(shards: Shards) -> pa.Table:
    """One row for each trial id: a completed one before an error, then the latest start, then the newest file."""
    codes, n_trials = _codes(shards.rows["trial_id"])
    if n_trials == shards.rows.num_rows:
        return shards.rows
    completed = np.array([status == "completed" for status in shards.rows["status"].to_pylist()], bool)
    started = shards.rows["started_at"].cast(pa.int64()).to_numpy()
    order = np.lexsort((shards.file, started, completed))
    winner = np.zeros(n_trials, np.int64)
    # Of several assignments to one place the last holds.
    winner[codes[order]] = order
    return shards.rows.take(pa.array(winner))


def winning_steps(shards: Shards) -> pa.Table:
    """The logged steps of each trial from its newest file.

    A process killed between a trial's curve and its row leaves a curve that the next attempt writes again;
    taking one file never mixes two attempts.
    """
    codes, n_trials = _codes(shards.rows["trial_id"])
    newest = np.zeros(n_trials, np.int64)
    np.maximum.at(newest, codes, shards.file)
    return shards.rows.filter(pa.array(shards.file == newest[codes], pa.bool_()))


def warn_of_damage(location: Location, paths: Iterable[str], stacklevel: int) -> None:
    """Warn once of all files that were left out, if any."""
    names = [path.removeprefix(location.root + "/") for path in paths]
    if names:
        shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        warnings.warn(
            f"{location.name}: left out {len(names)} damaged or foreign file(s): {shown}; delete them, and run the "
            "search again to fill in any trial that is missing.",
            StoreWarning,
            stacklevel=stacklevel + 1,
        )


class _Unread:
    """Why a listed file has no rows."""


_GONE, _DAMAGED = _Unread(), _Unread()


def _shards(location: Location, table: Table, wanted: frozenset[str] | None) -> list[str]:
    paths = location.shards(table)
    if wanted is None:
        return paths
    return [path for path in paths if (trial := trial_of(path)) is None or trial in wanted]


def _read(
    location: Location, table: Table, schema: pa.Schema, wanted: frozenset[str] | None, path: str
) -> pa.Table | _Unread:
    data = location.read(path)
    if data is None:
        return _GONE
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        version = _version(file)
        if version is None:
            return _DAMAGED
        if version > SCHEMA_VERSION:
            raise UserError(
                f"{location.name} has schema version {version} in {path.rpartition('/')[2]}, this tune_stability reads "
                f"up to {SCHEMA_VERSION}; upgrade it."
            )
        rows = file.read(columns=schema.names, use_threads=False)
        if not rows.schema.equals(schema):
            rows = conformed(rows, table, schema.names)
        rows.validate(full=True)
    except (OSError, pa.ArrowException):
        return _DAMAGED
    # Without these a row is no trial's, or cannot be ranked among the rows of its trial.
    keys = {"trial_id", "status", "started_at"}.intersection(schema.names)
    if any(rows[key].null_count for key in keys):
        return _DAMAGED
    return rows if wanted is None else rows.filter(pc.is_in(rows["trial_id"], pa.array(sorted(wanted), pa.string())))


def _version(file: pq.ParquetFile) -> int | None:
    text = (file.metadata.metadata or {}).get(VERSION_KEY, b"")
    return int(text) if text.isdigit() else None


def _codes(ids: pa.ChunkedArray) -> tuple[NDArray[np.int64], int]:
    encoded = ids.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(encoded.dictionary)
