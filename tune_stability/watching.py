"""Write something again whenever stores have new rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import Console

from tune_stability.errors import UserError
from tune_stability.store import locate, read_study, stored_ids


def watch_stores(stores: Sequence[str], seconds: float, write: Callable[[float], None], console: Console) -> None:
    """Call `write` whenever a study in `stores`, folders or URLs, has rows that it had not, until all are whole.

    `write` gets the seconds after which it may be called again, 0 when it is called for the last time. A store that
    does not exist yet, or has no row, is waited for. Raises `UserError` for less than a second.
    """
    if not seconds >= 1:
        raise UserError(f"--every takes one second or more, received {seconds:g}.")
    seen: list[dict[str, str]] = []
    for location in map(locate, stores):
        if not location.exists(location.study_file):
            console.print(f"waiting for a study at {location.name}; stop with Ctrl-C", markup=False, soft_wrap=True)
    while True:
        found = [_rows(store) for store in stores]
        is_whole = all(rows and _is_whole(store, len(rows)) for store, rows in zip(stores, found, strict=True))
        if all(found) and (found != seen or is_whole):
            write(0 if is_whole else seconds)
            seen = found
        if is_whole:
            return
        time.sleep(seconds)


def _rows(store: str) -> dict[str, str]:
    location = locate(store)
    return stored_ids(location) if location.exists(location.study_file) else {}


def _is_whole(store: str, n_trials: int) -> bool:
    """Whether every planned trial has a row. A study that goes on until an interval is narrow never knows."""
    spec = read_study(store)
    planned = spec.planned_trials
    return spec.stop_rule is None and n_trials >= planned
