"""`tune-stability`: every command in one."""

from __future__ import annotations

import os
import sys

import typer

from tune_stability.export import export
from tune_stability.operations import compact, status, verify
from tune_stability.report import report
from tune_stability.rerun import rerun
from tune_stability.retry import retry
from tune_stability.search import search

app = typer.Typer(
    help="How robust is a fine-tuning recipe? Run the study, and read the answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(search)
app.command()(report)
app.command()(rerun)
app.command()(retry)
app.command()(export)
app.command()(status)
app.command()(verify)
app.command()(compact)


@app.callback()
def _commands() -> None:
    """How robust is a fine-tuning recipe? Run the study, and read the answer."""


def main() -> None:
    """Run the command that the command line names."""
    # As `python -m` has it, so that `--trainable` finds a module of one's own in the current folder.
    sys.path.insert(0, os.getcwd())
    app()
