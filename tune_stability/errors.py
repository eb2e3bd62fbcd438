"""What a person is told and can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """Bad input. Its message is one line: what was received, what is allowed, what to do."""


class StoreError(UserError):
    """The store cannot be written to, and waiting did not help."""


class StoreWarning(UserWarning):
    """A study can be read, but not every file in it."""


class LogWarning(UserWarning):
    """A tool that a search logs to did not take everything; the study has it."""


def unknown_name(kind: str, received: str, allowed: Iterable[str]) -> UserError:
    """The error for a name that is not among `allowed`, with the nearest one that is."""
    names = sorted(allowed)
    nearest = difflib.get_close_matches(received, names, n=1, cutoff=0.5)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
    return UserError(f"unknown {kind} {received!r}{hint} Allowed: {', '.join(names)}.")
