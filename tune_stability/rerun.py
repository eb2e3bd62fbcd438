"""`python -m tune_stability.rerun`: run one stored trial again, here, and say whether the result is the same."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape

from tune_stability.commands import SHORTEST_ID
from tune_stability.data_source import DataSource
from tune_stability.display.console import damage_told_once, make_console
from tune_stability.display.tables import make_table
from tune_stability.errors import UserError
from tune_stability.execution.trainable import load_trainable
from tune_stability.store import completed_row, config_of_row, current_provenance, error_row, load_results, locate
from tune_stability.stored import (
    DataDir,
    LabelColumn,
    OwnTrainable,
    Store,
    TextColumns,
    check_trainable,
    data_given,
    data_of,
    last_line,
)
from tune_stability.trials import TrialConfig

if TYPE_CHECKING:
    import pandas as pd

RESULTS = (
    "outcome",
    "failure_mode",
    "metric",
    "score",
    "train_loss",
    "majority_score",
    "best_score",
    "best_step",
    "chance_loss",
    "predicted_share",
    "gradient_start",
    "gradient_end",
    "steps",
)
"""The columns of a row that the trial's configuration and seeds determine."""
_SHOWN = RESULTS[:5]
_CIRCUMSTANCES = ("device", "tune_stability_version", "python_version", "torch_version", "transformers_version")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Rerun:
    """A trial's row as stored and as it came out now; `differing` names the results that are not the same."""

    stored: Row
    now: Row
    differing: tuple[str, ...]

    @property
    def identical(self) -> bool:
        return not self.differing


def rerun_trial(store: str, trial_id: str, data: DataSource | None = None, trainable: str | None = None) -> Rerun:
    """Run a stored trial again in this process and compare; nothing is written.

    `trial_id` may be a beginning of at least `SHORTEST_ID` characters that only one trial has. `data` as in a search,
    with `data_dir` also for the folder that holds the two files of a task of one's own. `trainable` must name that of
    the trial if it does not ship with the package. Raises `UserError` for bad input.
    """
    place = locate(store)
    rows = load_results(place)
    stored = _row_of(rows, trial_id, place.name)
    check_trainable(stored, trainable)
    config = config_of_row(stored, data_of(rows, stored, data or DataSource()))
    now = _row_now(stored["study"], config)
    return Rerun(stored, now, _differing(stored, now))


def print_rerun(rerun: Rerun, console: Console) -> None:
    """The stored and the new result side by side, and in a sentence whether they are the same."""
    stored, now = rerun.stored, rerun.now
    labels = [f"{stored['recipe']}", f"configuration {stored['config_index']}", f"seed {stored['seed']}"]
    labels += [str(stored[name]) for name in ("model", "task")]
    console.print(f"trial {stored['trial_id']}: {', '.join(labels)}", markup=False)
    table = make_table("", "", "stored", "now")
    extra = tuple(name for name in rerun.differing if name in RESULTS and name not in _SHOWN)
    crashed = ("status", "error") if "error" in (stored["status"], now["status"]) else ()
    for name in (*crashed, *_SHOWN, *extra):
        table.add_row(name, _cell(stored.get(name)), _cell(now.get(name)))
    console.print(table)
    if rerun.identical:
        console.print("identical: every stored result came out again, to the last bit.")
        return
    console.print(f"not identical: {', '.join(rerun.differing)}.", style="yellow", markup=False)
    pairs = {name: (_plain(stored.get(name)), _plain(now.get(name))) for name in _CIRCUMSTANCES}
    if said := "; ".join(f"{name} was {a}, is {b}" for name, (a, b) in pairs.items() if a != b):
        console.print(f"It ran elsewhere, which may be why: {said}.", markup=False)


def rerun(
    store: Store,
    trial_id: Annotated[str, typer.Argument(help=f"The trial, by at least {SHORTEST_ID} characters of its id.")],
    data_dir: DataDir = None,
    text_columns: TextColumns = None,
    label_column: LabelColumn = None,
    trainable: OwnTrainable = None,
) -> None:
    """Run one stored trial again and compare: exit code 0 if the result is identical, 1 if not, 2 for bad input."""
    data = data_given(data_dir, text_columns, label_column)
    try:
        with damage_told_once():
            found = rerun_trial(store, trial_id, data, trainable)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print_rerun(found, make_console())
    raise typer.Exit(0 if found.identical else 1)


def _row_of(rows: pd.DataFrame, trial_id: str, name: str) -> Row:
    found = rows[rows["trial_id"].str.startswith(trial_id)]
    if len(trial_id) < SHORTEST_ID and not (rows["trial_id"] == trial_id).any():
        raise UserError(f"a trial goes by at least {SHORTEST_ID} characters of its id, received {trial_id!r}.")
    if found.empty:
        raise UserError(
            f"{name} has no trial {trial_id!r} among its {len(rows)}; the column trial_id of load_results has them."
        )
    if len(found) > 1:
        raise UserError(
            f"{len(found)} trials of {name} begin with {trial_id!r}: "
            f"{', '.join(found['trial_id'].head(3))}; give more characters."
        )
    return {str(column): value for column, value in found.iloc[0].items()}


def _row_now(study: str, config: TrialConfig) -> Row:
    started_at, started = datetime.now(UTC), time.perf_counter()
    trainable = load_trainable(config.trainable)
    try:
        return completed_row(study, config, trainable(config), current_provenance(), started_at)
    except UserError:
        raise
    except Exception:  # whatever a trainable raises is what the trial shows
        seconds = time.perf_counter() - started
        return error_row(study, config, traceback.format_exc(), current_provenance(), started_at, seconds)


def _differing(stored: Row, now: Row) -> tuple[str, ...]:
    if stored["status"] != now["status"]:
        return ("status",)
    if now["status"] == "error":
        return () if last_line(stored["error"]) == last_line(now["error"]) else ("error",)
    return tuple(name for name in RESULTS if _plain(stored[name]) != _plain(now[name]))


def _plain(value: Any) -> Any:
    """A cell in Python's own types: None for all that is missing or not a number, a tuple for a list."""
    import pandas as pd

    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        return tuple(map(_plain, value))
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _cell(value: Any) -> str:
    plain = _plain(value)
    if isinstance(plain, tuple):
        return escape(", ".join(map(str, plain)) or "none")
    return escape(last_line(plain) if isinstance(plain, str) else "-" if plain is None else repr(plain))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(rerun)
    app()
