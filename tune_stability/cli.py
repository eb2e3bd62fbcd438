"""`tune-stability`: every command in one."""

from __future__ import annotations

import typer

from tune_stability.search import search

app = typer.Typer(
    help="How robust is a fine-tuning recipe? Run the study, and read the answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(search)


@app.callback()
def _commands() -> None:
    """How robust is a fine-tuning recipe? Run the study, and read the answer."""


def main() -> None:
    """Run the command that the command line names."""
    app()
