"""What it takes to run a stored trial again: the right to import its code, and where its data are."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tune_stability.commands import ships_with_the_package
from tune_stability.data_source import OWN_FILES, DataSource, absolute
from tune_stability.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

Store = Annotated[str, typer.Argument(help="Study folder or URL.")]
DataDir = Annotated[
    str | None, typer.Option(help="Folder as in search; for a task of your own, the one with its two files.")
]
TextColumns = Annotated[str | None, typer.Option(help="Columns of text of a file: task, as in search.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of labels of a file: task, as in search.")]
OwnTrainable = Annotated[str | None, typer.Option(help="The trial's own trainable, to say that it may run.")]


def data_given(data_dir: str | None, text_columns: str | None, label_column: str | None) -> DataSource:
    """Where a command line says that the data are."""
    columns = tuple(name.strip() for name in (text_columns or "").split(",") if name.strip())
    return DataSource(data_dir=data_dir, text_columns=columns, label_column=label_column)


def check_trainable(stored: Mapping[str, Any], allowed: str | None) -> None:
    """Raise `UserError` unless the code of a row's trial ships with the package, or is `allowed`."""
    name = stored["trainable"]
    if allowed is not None and allowed != name:
        raise UserError(f"trial {stored['trial_id']} ran by the trainable {name!r}, received {allowed!r}.")
    # Whoever writes a store must not choose what code its readers import.
    if allowed is None and not ships_with_the_package(name):
        raise UserError(
            f"trial {stored['trial_id']} ran by {name!r}, which is not of this package; "
            f"give --trainable {name} if that code may run here."
        )


def data_of(rows: pd.DataFrame, stored: Mapping[str, Any], data: DataSource) -> DataSource:
    """Where the data of a row's trial are, as far as its study's rows and `data` say. Raises `UserError`."""
    metrics = rows["metric"].dropna()
    metric = None if metrics.empty else str(metrics.iloc[0])
    task, folder = str(stored["task"]), None if data.data_dir is None else absolute(data.data_dir)
    if not task.startswith(OWN_FILES):
        return DataSource(
            data_dir=folder, text_columns=data.text_columns, label_column=data.label_column, metric=metric
        )
    if folder is None:
        raise UserError(f"the task {task} is of your own files; give the folder that holds them with --data-dir.")
    files = tuple(os.path.join(folder, name) for name in task.removeprefix(OWN_FILES).split(","))
    return DataSource(files=files, text_columns=data.text_columns, label_column=data.label_column, metric=metric)


def last_line(text: str) -> str:
    """What a traceback says in the end."""
    return text.strip().rpartition("\n")[2]
