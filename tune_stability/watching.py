"""Write something again whenever a store has new rows."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console

from tune_stability.errors import UserError
from tune_stability.store import locate, read_study, stored_ids


def watch_store(store: str, seconds: float, write: Callable[[float], None], console: Console) -> None:
    """Call `write` whenever the study at `store`, a folder or URL, has rows that it had not, until it is whole.

    `write` gets the seconds after which it may be called again, 0 when it is called for the last time. A store that
    does not exist yet is waited for. Raises `UserError` for less than a second.
    """
    if not seconds >= 1:
        raise UserError(f"--every takes one second or more, received {seconds:g}.")
    seen: dict[str, str] | None = None
    location = locate(store)
    if not location.exists(location.study_file):
        console.print(f"waiting for a study at {location.name}; stop with Ctrl-C", markup=False, soft_wrap=True)
    while True:
        found = stored_ids(location) if location.exists(location.study_file) else {}
        is_whole = bool(found) and _is_whole(store, len(found))
        if found and (found != seen or is_whole):
            write(0 if is_whole else seconds)
            seen = found
        if is_whole:
            return
        time.sleep(seconds)


def _is_whole(store: str, n_trials: int) -> bool:
    """Whether every planned trial has a row. A study that goes on until an interval is narrow never knows."""
    spec = read_study(store)
    planned = spec.num_configs * spec.trials_per_configuration * len(spec.recipes)
    return spec.stop_rule is None and n_trials >= planned
