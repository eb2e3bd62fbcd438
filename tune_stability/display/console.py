"""Where output goes."""

from __future__ import annotations

from rich.console import Console

PLAIN_WIDTH = 114


def make_console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for the tables where it is a file or a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=PLAIN_WIDTH, highlight=False)
