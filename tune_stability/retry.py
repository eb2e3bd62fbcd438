"""`tune-stability retry`: run the trials of a stored study that ended in an error once more."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console

from tune_stability.data_source import DataSource
from tune_stability.display.console import damage_told_once, make_console
from tune_stability.errors import UserError, unknown_name
from tune_stability.event_log import event_log
from tune_stability.execution import EXECUTOR_NAMES
from tune_stability.options import SearchOptions
from tune_stability.sampling.sources import EnumeratedSource
from tune_stability.store import Location, compact, config_of_row, lease, load_results, locate, read_study
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

_DEFAULTS = SearchOptions()


@dataclass(frozen=True)
class Retried:
    """How many trials were run anew, and the last line of the error of each that is still in error, by its id."""

    tried: int
    failing: dict[str, str]


def retry_errors(
    store: str, options: SearchOptions, console: Console, data: DataSource | None = None, trainable: str | None = None
) -> Retried:
    """Run every trial of a study whose row is an error, by the executor and resources of `options`, and store it.

    `data` and `trainable` as in `rerun_trial`. Nothing is written where no trial is in error. Raises `UserError` for
    bad input, and where another search runs the study.
    """
    if options.executor not in EXECUTOR_NAMES:
        raise unknown_name("executor", options.executor, EXECUTOR_NAMES)
    location, data = locate(store), data or DataSource()
    if not _errors(location, data, trainable):
        return Retried(0, {})
    say = functools.partial(console.print, markup=False, soft_wrap=True)
    with event_log(location, options.log_file, console), lease(location, say):
        # A search that had the study until now may have run some of them.
        trials = _errors(location, data, trainable)
        console.print(f"{len(trials)} trials in error to run again")
        _run(trials, location, options, console)
        compact(location)
    rows = load_results(location, columns=["trial_id", "status", "error"], trial_ids=[t.trial_id for t in trials])
    failing = rows[rows["status"] == "error"]
    return Retried(len(trials), dict(zip(failing["trial_id"], failing["error"].map(last_line), strict=True)))


def retry(
    store: Store,
    data_dir: DataDir = None,
    text_columns: TextColumns = None,
    label_column: LabelColumn = None,
    trainable: OwnTrainable = None,
    executor: Annotated[str, typer.Option(help="As in search.")] = _DEFAULTS.executor,
    address: Annotated[str | None, typer.Option(help="As in search.")] = None,
    cpus_per_trial: Annotated[float, typer.Option(help="As in search.")] = _DEFAULTS.cpus_per_trial,
    gpus_per_trial: Annotated[float | None, typer.Option(help="As in search.")] = None,
    max_concurrent: Annotated[int | None, typer.Option(help="As in search.")] = None,
    max_retries: Annotated[int, typer.Option(help="As in search.")] = _DEFAULTS.max_retries,
    trial_timeout: Annotated[str | None, typer.Option(help="As in search.")] = None,
    log_file: Annotated[str | None, typer.Option(help="As in search.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="As in search.")] = False,
) -> None:
    """Run all trials in error again: exit code 0 if none is left in error, 1 if some are, 2 for bad input."""
    data, console = data_given(data_dir, text_columns, label_column), make_console()
    try:
        with damage_told_once():
            options = SearchOptions(
                executor=executor,
                address=address,
                cpus_per_trial=cpus_per_trial,
                gpus_per_trial=gpus_per_trial,
                max_concurrent=max_concurrent,
                max_retries=max_retries,
                trial_timeout=trial_timeout,
                log_file=log_file,
                verbose=verbose,
            )
            found = retry_errors(store, options, console, data, trainable)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        print("\nStopped. What had ended is stored; run the same command to go on.", file=sys.stderr)
        raise typer.Exit(130) from None
    _print(found, console)
    raise typer.Exit(1 if found.failing else 0)


def _errors(location: Location, data: DataSource, trainable: str | None) -> list[TrialConfig]:
    rows = load_results(location)
    trials = []
    for row in rows[rows["status"] == "error"].to_dict("records"):
        stored = {str(name): value for name, value in row.items()}
        check_trainable(stored, trainable)
        trials.append(config_of_row(stored, data_of(rows, stored, data)))
    return trials


def _run(trials: Sequence[TrialConfig], location: Location, options: SearchOptions, console: Console) -> None:
    # Imported here so that --help and bad options answer at once.
    from tune_stability.planning import Work
    from tune_stability.running import run_trials

    spec = read_study(location)
    recipes = ",".join(dict.fromkeys(trial.recipe for trial in trials))
    work = Work(EnumeratedSource(trials), len(trials), spec.planned_trials - len(trials), list(trials))
    run_trials(work, spec, location, dataclasses.replace(options, recipes=recipes), None, console)


def _print(found: Retried, console: Console) -> None:
    if not found.tried:
        console.print("no trial is in error")
        return
    console.print(f"{found.tried - len(found.failing)} of {found.tried} trials are now completed")
    for trial_id, text in found.failing.items():
        console.print(f"trial {trial_id} still fails: {text}", style="red", markup=False, soft_wrap=True)
