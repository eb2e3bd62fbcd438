from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

Rows = Mapping[str, list]


@pytest.fixture
def glue_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes splits as `nyu-mll/glue` lays them out, `FOLDER/TASK/SPLIT-00000-of-00001.parquet`; returns FOLDER."""

    def write(task: str, **splits: Rows) -> Path:
        folder = tmp_path / "glue"
        (folder / task).mkdir(parents=True, exist_ok=True)
        for split, rows in splits.items():
            pyarrow.parquet.write_table(pa.table(dict(rows)), folder / task / f"{split}-00000-of-00001.parquet")
        return folder

    return write
