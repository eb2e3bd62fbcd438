"""A task of one's own: a training and a validation file, and the names of their columns."""

from __future__ import annotations

from tune_stability.data_source import DataSource, own_files
from tune_stability.errors import UserError
from tune_stability.tasks.catalog import LABEL
from tune_stability.tasks.checked import check_columns, checked_task
from tune_stability.tasks.tables import RawSplit, read_file
from tune_stability.tasks.task import Task

USUAL_TEXT_COLUMNS = (("sentence1", "sentence2"), ("text",), ("sentence",))


def load_own(name: str, data: DataSource) -> Task:
    """The task of the files of `data`, or of those that `file:TRAIN,VALIDATION` names. Judged by accuracy.

    Raises `UserError`.
    """
    train, validation = (read_file(path) for path in data.files or own_files(name))
    label_column = data.label_column or LABEL
    check_columns(train, (label_column,))
    text_columns = data.text_columns or _usual_text_columns(train, label_column)
    taken = {label_column, LABEL}
    if len(text_columns) > 2 or len({*text_columns}) < len(text_columns) or taken & {*text_columns}:
        raise UserError(
            f"--text-columns takes one or two columns other than {' and '.join(sorted(taken))}, "
            f"received {','.join(text_columns)}."
        )
    return checked_task(name, "accuracy", text_columns, label_column, train, validation)


def _usual_text_columns(split: RawSplit, label_column: str) -> tuple[str, ...]:
    others = [name for name in split.table.column_names if name != label_column]
    if len(others) == 1:
        return (others[0],)
    for names in USUAL_TEXT_COLUMNS:
        if {*names} <= {*others}:
            return names
    raise UserError(
        f"{split.origin} has the columns {', '.join(others) or 'none'} beside the labels, and which hold the texts is "
        "not known; name one or two with --text-columns."
    )
