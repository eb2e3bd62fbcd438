"""One file of a task's rows as a table: CSV, TSV, JSON Lines or Parquet."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from tune_stability.errors import UserError


@dataclass(frozen=True)
class RawSplit:
    """A split as it was read, unchecked, and where it came from, which its errors say."""

    origin: str
    table: pa.Table


def read_file(path: str) -> RawSplit:
    """The rows of one file, whose name's ending tells its format.

    CSV has quotes as in RFC 4180. In TSV a quote is a character like any other, as in GLUE's own files, and no field
    holds a tab or a line's end. Columns of both are strings; an empty field is missing, `""` in CSV is an empty text.
    Raises `UserError`.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in _READERS:
        raise UserError(f"the file {path!r} must end in one of {', '.join(FORMATS)}; convert or rename it.")
    if not os.path.isfile(path):
        raise UserError(f"no file at {path!r}; give a file of rows, its path seen from here or from the root.")
    try:
        table = _READERS[suffix](path)
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        why = " ".join(str(error).split())
        raise UserError(f"{path} cannot be read as {suffix[1:]} ({why:.200}); mend or convert it.") from error
    return RawSplit(path, table)


def _read_csv(path: str) -> pa.Table:
    return _read_delimited(path, pyarrow.csv.ParseOptions(delimiter=",", newlines_in_values=True))


def _read_tsv(path: str) -> pa.Table:
    return _read_delimited(path, pyarrow.csv.ParseOptions(delimiter="\t", quote_char=False))


def _read_delimited(path: str, parse: pyarrow.csv.ParseOptions) -> pa.Table:
    with pyarrow.csv.open_csv(path, parse_options=parse) as start:
        names = start.schema.names
    # Not inferred: a text "NA" or "1" is a text.
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    return pyarrow.csv.read_csv(path, parse_options=parse, convert_options=convert)


def _read_jsonl(path: str) -> pa.Table:
    return pyarrow.json.read_json(path)


def _read_parquet(path: str) -> pa.Table:
    return pyarrow.parquet.ParquetFile(path).read()


_READERS = {".csv": _read_csv, ".tsv": _read_tsv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}
FORMATS = tuple(_READERS)
