"""Looking after a stored study from anywhere: `status`, `verify` and `compact`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from tune_stability.display.console import damage_told_once, make_console
from tune_stability.errors import UserError
from tune_stability.stored import Store

if TYPE_CHECKING:
    from rich.console import Console

    from tune_stability.store import Location


def status(store: Store) -> None:
    """How far a study has come, from its store alone."""
    with _told():
        from tune_stability.display.status import print_status
        from tune_stability.store import load_results, locate, read_study

        location, console = locate(store), make_console()
        spec = read_study(location)
        print_status(location.name, spec, load_results(location), console)
        _print_searches(location, console)


def verify(store: Store) -> None:
    """Check every file, id and row of a study: exit code 0 if all is sound, 1 if not, 2 for bad input."""
    with _told():
        from tune_stability.sampling.designs import DESIGNS
        from tune_stability.sampling.enumeration import enumerate_trials
        from tune_stability.store import read_study, verify_store

        console = make_console()
        found, spec = verify_store(store), read_study(store)
        defects = list(found.defects)
        if spec.sampler in DESIGNS:
            planned = {trial.trial_id for trial in enumerate_trials(spec)}
            if foreign := sorted(set(found.trial_ids) - planned):
                defects.append(f"{len(foreign)} trials are not of this study, such as {foreign[0]}")
            console.print(f"{len(planned & set(found.trial_ids))} of {len(planned)} planned trials have a row")
        console.print(f"{len(found.trial_ids)} trials in {found.n_files} files read")
        for note in found.notes:
            console.print(f"note: {note}", markup=False, soft_wrap=True)
        for defect in defects:
            console.print(f"defect: {defect}", style="red", markup=False, soft_wrap=True)
        console.print("not sound" if defects else "sound")
    if defects:
        raise typer.Exit(1)


def compact(store: Store) -> None:
    """Merge a study's files into one per table; it reads the same at every moment."""
    with _told():
        from tune_stability.store import compact as merge

        merged = merge(store)
        make_console().print(f"{merged} files merged" if merged else "nothing to merge")


def _print_searches(location: Location, console: Console) -> None:
    from tune_stability.store import running_searches

    found = running_searches(location)
    for sign, certain in found:
        verb = "runs it" if certain else "may be running it"
        said = f"a search {verb}: {sign}, last sign of life {sign.renewed_at}"
        console.print(said, markup=False, soft_wrap=True, highlight=False)
    if not found:
        console.print("no search is running it")


@contextmanager
def _told() -> Iterator[None]:
    """Damage in one line, and bad input in one with exit code 2."""
    try:
        with damage_told_once():
            yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
