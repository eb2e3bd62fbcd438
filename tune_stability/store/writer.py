"""Writing one finished trial."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tune_stability.store.location import Location, locate, unique_name
from tune_stability.store.schema import Row, Table, arrow_table


def write_trial(
    location: str | Path | Location, row: Row, curve_rows: Sequence[Row] = (), gradient_rows: Sequence[Row] = ()
) -> None:
    """Store a trial: its logged steps first, its row last, each file as a whole.

    The row is the commit mark: readers leave out logged steps without one. Raises `UserError` if a value does
    not fit its column, before anything is written, or if the place cannot be written to.
    """
    write_files(location, row["trial_id"], trial_files(row, curve_rows, gradient_rows))


def trial_files(
    row: Row, curve_rows: Sequence[Row] = (), gradient_rows: Sequence[Row] = ()
) -> list[tuple[Table, bytes]]:
    """A trial's files, in the order in which they are to be written. Raises `UserError` if a value does not fit."""
    tables: dict[Table, Sequence[Row]] = {"curves": curve_rows, "gradients": gradient_rows, "trials": [row]}
    return [(table, parquet(arrow_table(table, rows))) for table, rows in tables.items() if rows]


def write_files(location: str | Path | Location, trial_id: str, files: Sequence[tuple[Table, bytes]]) -> None:
    """Store what `trial_files` made. Raises `UserError` if the place cannot be written to."""
    place = locate(location)
    unique = unique_name()
    for table, data in files:
        place.write(place.shard(table, trial_id, unique), data)


def parquet(table: pa.Table) -> bytes:
    """The table as the bytes of a Parquet file whose pages carry checksums."""
    # A single row gains nothing from encodings, and without them thousands of such files open twice as fast.
    many = table.num_rows > 1
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd" if many else "none",
        use_dictionary=many,
        write_statistics=many,
        write_page_checksum=True,
    )
    return bytes(sink.getvalue())
