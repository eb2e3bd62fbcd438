"""Where a task's data are found and how its columns are read: what a worker needs to load what a study names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """How to load a task. It says where, not what: the task's fingerprint tells whether the data are the same."""

    data_dir: str | None = None
    """Folder laid out like `nyu-mll/glue` on the hub, a folder for each task; None for the hub itself."""
    text_columns: tuple[str, ...] = ()
    """The one or two columns of text; empty for those that are usual for the task."""
    label_column: str | None = None
    """The column of labels; None for the one that is usual for the task."""
    metric: str | None = None
    """The metric that judges the task; None for the one that is usual for it."""
