"""`python -m tune_stability.export`: write a study's trials where other programs read them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tune_stability.display.console import damage_told_once
from tune_stability.errors import UserError, unknown_name
from tune_stability.exports.target import new_place
from tune_stability.store import load_results, locate, read_study

FORMATS = ("csv", "deepcave", "optuna")


def export_study(store: str, to: str, out: str) -> int:
    """Write the study's trials to `out` in the format `to`; how many there are.

    Raises `UserError` for an unknown format, no study or no trial, or if there is something at `out`.
    """
    if to not in FORMATS:
        raise unknown_name("format", to, FORMATS)
    place = locate(store)
    spec, trials = read_study(place), load_results(place)
    if trials.empty:
        raise UserError(f"{place.name} has no trial yet; run its search first.")
    with new_place(out) as path:
        # Each imported where it is asked for: Optuna takes a second.
        if to == "csv":
            from tune_stability.exports.csv_file import write_csv as write
        elif to == "deepcave":
            from tune_stability.exports.deepcave import write_deepcave as write
        else:
            from tune_stability.exports.optuna_storage import write_optuna as write
        write(trials, spec, path)
    return len(trials)


def export(
    store: Annotated[str, typer.Argument(help="The study's folder or URL.")],
    to: Annotated[str, typer.Option(help="csv, deepcave or optuna.")],
    out: Annotated[
        str, typer.Option(help="A new file (csv; optuna: a journal, or SQLite if it ends in .db) or folder (deepcave).")
    ],
) -> None:
    """Write a study's trials as a CSV file, as DeepCAVE runs, or as a storage for optuna-dashboard."""
    try:
        with damage_told_once():
            count = export_study(store, to, out)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(f"{count} trials written to {out}")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(export)
    app()
