"""Load a published task: from the hub, or from a folder laid out like `nyu-mll/glue` there."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from tune_stability.errors import UserError
from tune_stability.tasks.catalog import CATALOG, LABEL, UNLABELLED
from tune_stability.tasks.checked import checked_task
from tune_stability.tasks.hub import read_hub
from tune_stability.tasks.tables import FORMATS, RawSplit, read_file
from tune_stability.tasks.task import Task


def load_published(name: str, data_dir: str | None) -> Task:
    """The task `name` of `CATALOG`. Raises `UserError` if its files are not to be had, or not what they should be."""
    entry = CATALOG[name]
    if data_dir is None:
        train, validation = read_hub(name)
    else:
        train, validation = (_read_split(Path(data_dir, name), split) for split in ("train", entry.validation))
    return checked_task(name, entry.metric, entry.text_columns, LABEL, train, validation, UNLABELLED)


def _read_split(folder: Path, split: str) -> RawSplit:
    """All Parquet files `SPLIT-*.parquet` in order, or the one file `SPLIT` of any format."""
    found = sorted(folder.glob(f"{split}-*.parquet"))
    found = found or [path for path in (folder / f"{split}{suffix}" for suffix in FORMATS) if path.is_file()]
    if not found:
        raise UserError(
            f"no {split}-*.parquet and no {split} of {', '.join(FORMATS)} in {str(folder)!r}; give a --data-dir that "
            f"has them in its folder {folder.name}."
        )
    if len({path.suffix for path in found}) > 1:
        raise UserError(f"{str(folder)!r} has {' and '.join(path.name for path in found)}; leave one of them there.")
    parts = [read_file(str(path)) for path in found]
    if len(parts) == 1:
        return parts[0]
    try:
        return RawSplit(f"{folder / split}-*", pa.concat_tables(part.table for part in parts))
    except pa.ArrowInvalid:
        raise UserError(f"{split}-*.parquet in {str(folder)!r} do not have the same columns; mend them.") from None
