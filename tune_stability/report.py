"""`python -m tune_stability.report STORE`: one HTML page and a folder of figures that show a study."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tune_stability.display.console import make_console
from tune_stability.errors import UserError


def report(
    store: Annotated[str, typer.Argument(help="Study folder or URL.")],
    success_rule: Annotated[
        list[str] | None,
        typer.Option(
            help="A rule to switch to, repeatable, the first shown first. Default: majority, margin:0.05, within:0.95."
        ),
    ] = None,
    recipes: Annotated[str | None, typer.Option(help="Arms, the baseline first. Default: the study's order.")] = None,
) -> None:
    """Show a study: one HTML page without a network, and figures for print."""
    console = make_console()
    try:
        # Imported here so that --help and bad options answer at once.
        from tune_stability.outcomes import SuccessRule
        from tune_stability.reporting import RULES, study_views, write_figures, write_page

        rules = [SuccessRule.parse(text) for text in success_rule or RULES]
        views = study_views(store, rules, [name.strip() for name in (recipes or "").split(",") if name.strip()])
        figures = write_figures(store, views[0])
        console.print(f"page: {write_page(store, views)}", markup=False, soft_wrap=True)
        if figures:
            console.print(
                f"figures: {figures[0].rpartition('/')[0]} ({len(figures)} files)", markup=False, soft_wrap=True
            )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(report)
    app()
