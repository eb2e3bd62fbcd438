"""Commands that one part of the house quotes and another one runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tune_stability.trials import FINE_TUNING

SHORTEST_ID = 6
"""The fewest characters of a trial id that may stand for it."""


def rerun_command(store: str, trial_id: str, data_dir: str | None = None, trainable: str = FINE_TUNING) -> str:
    """The line for a POSIX shell that runs a stored trial again.

    `store` is the study's folder or URL as a person may see it: no credentials (`Location.name` has none). A trainable
    that does not ship with the package is named, since nothing that only a store names is imported.
    """
    command = ["python", "-m", "tune_stability.rerun", _no_option(store), _no_option(trial_id)]
    if data_dir is not None:
        command.append(f"--data-dir={data_dir}")
    if not ships_with_the_package(trainable):
        command.append(f"--trainable={trainable}")
    return shlex.join(command)


def report_command(stores: Sequence[str], rules: Sequence[str], recipes: Sequence[str] = ()) -> str:
    """The line for a POSIX shell that makes the report of a study, or of two. `stores` as in `rerun_command`."""
    command = ["python", "-m", "tune_stability.report", *map(_no_option, stores)]
    command += [f"--success-rule={rule}" for rule in rules]
    return shlex.join([*command, f"--recipes={','.join(recipes)}"] if recipes else command)


def ships_with_the_package(trainable: str) -> bool:
    """Whether a trainable is code of this package, which may run because a store names it."""
    return trainable.startswith("tune_stability.training.")


def _no_option(word: str) -> str:
    return f"./{word}" if word.startswith("-") else word
