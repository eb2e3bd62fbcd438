"""Where an export goes: a new file or folder, there as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tune_stability.errors import UserError


@contextlib.contextmanager
def new_place(out: str) -> Iterator[Path]:
    """A path, with the name of `out`, to make a file or folder at: it becomes `out` in the end, or goes if that fails.

    Raises `UserError` if there is something at `out`, or it cannot be written to.
    """
    if not out or "://" in out:
        raise UserError(f"an export goes to a local path, received {out!r}; give a new file or folder as --out.")
    target = Path(os.path.abspath(os.path.expanduser(out)))
    if target.exists() or target.is_symlink():
        raise UserError(f"there is something at {out} already and an export overwrites nothing; give a new --out.")
    with _told(out):
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that it can be put in place at once.
        beside = Path(tempfile.mkdtemp(prefix=".tune_stability-", dir=target.parent))
    try:
        with _told(out):
            yield beside / target.name
            os.rename(beside / target.name, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextlib.contextmanager
def _told(out: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror or error}; give another --out.") from None
