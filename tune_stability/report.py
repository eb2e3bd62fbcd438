"""`python -m tune_stability.report STORE`: one HTML page and a folder of figures that show a study."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tune_stability.display.console import make_console
from tune_stability.errors import UserError

RULES = ("majority", "margin:0.05", "within:0.95")
"""What the page can switch between unless told otherwise."""


def report(
    store: Annotated[str, typer.Argument(help="Study folder or URL.")],
    other: Annotated[str | None, typer.Argument(help="A second study, to be shown beside it and compared.")] = None,
    success_rule: Annotated[
        list[str] | None,
        typer.Option(help=f"A rule to switch to, repeatable, the first shown first. Default: {', '.join(RULES)}."),
    ] = None,
    recipes: Annotated[
        str | None, typer.Option(help="Arms, the baseline first, the treatment last. Default: the study's order.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="Folder or URL to write to. Default: the study's own.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Write the page again as rows come in.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between looks, with --watch.")] = 30,
) -> None:
    """Show a study: one HTML page without a network, and figures for print."""
    console = make_console()
    try:
        # Imported here so that --help and bad options answer at once.
        from tune_stability.reporting import write_report
        from tune_stability.watching import watch_stores

        names = [name.strip() for name in (recipes or "").split(",") if name.strip()]
        rules = success_rule or RULES
        stores = [store] if other is None else [store, other]
        if not watch:
            write_report(stores, rules, names, out or store, console)
            return
        watch_stores(
            stores, every, lambda again: write_report(stores, rules, names, out or store, console, again), console
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(report)
    app()
