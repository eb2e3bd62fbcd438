"""Where output goes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console

from tune_stability.errors import LogWarning, StoreWarning

PLAIN_WIDTH = 114


def make_console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for the tables where it is a file or a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=PLAIN_WIDTH, highlight=False)


@contextmanager
def damage_told_once() -> Iterator[None]:
    """Print what is said of damaged files and of logs in one line, however often it is said."""
    told: set[str] = set()
    with warnings.catch_warnings():
        show = warnings.showwarning

        def tell(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if not issubclass(category, StoreWarning | LogWarning):
                show(message, category, *place, **more)
            elif str(message) not in told:
                told.add(str(message))
                print(f"warning: {message}", file=sys.stderr)

        warnings.showwarning = tell
        yield
