"""Where the events of a search go: a JSON object a line in a file, warnings on the console too.

Every module logs with `logging.getLogger(__name__)` and `extra={"event": "worker_died", "trial_id": ..., ...}`: an
event has a name, a trial's id if it is of one, and any other fields.
"""

from __future__ import annotations

import json
import logging
import math
import os
import socket
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from numbers import Integral
from pathlib import Path
from typing import Any

from rich.console import Console

from tune_stability.errors import LogWarning, UserError
from tune_stability.store.location import Location
from tune_stability.store.patience import one_line, without_credentials

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "event", "trial_id"}


@contextmanager
def event_log(location: Location, log_file: str | None, console: Console) -> Iterator[None]:
    """Take what is logged below `tune_stability` meanwhile: all of it to a file, warnings to the console.

    The file is `log_file`, or the one of `location`, which nothing is written to before the first event. Raises
    `UserError` if `log_file` cannot be written.
    """
    log = logging.getLogger("tune_stability")
    path = location.log_file if log_file is None else os.path.expanduser(log_file)
    # The study's own folder is made by whoever starts the study, and by nobody when it is away for the moment.
    file = EventFile(path, makes_folder=os.path.dirname(path) != location.root)
    if log_file is not None:
        file.open()
    handlers, level = (file, _Warnings(console)), log.level
    log.setLevel(min(level or logging.INFO, logging.INFO))
    for handler in handlers:
        log.addHandler(handler)
    try:
        yield
    finally:
        log.setLevel(level)
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


class _Handler(logging.Handler, ABC):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.take(record)
        except Exception:  # a log call that is wrong must not stop the search; this prints where it is
            self.handleError(record)

    @abstractmethod
    def take(self, record: logging.LogRecord) -> None:
        """Write a record down."""


class EventFile(_Handler):
    """Appends a line of JSON for each event. A line is written at once, so several processes may have one file."""

    def __init__(self, path: str, makes_folder: bool = True) -> None:
        super().__init__(logging.INFO)
        self._makes_folder = makes_folder
        self._path, self._descriptor, self._told, self._torn = path, -1, False, False
        self._who = {"host": socket.gethostname(), "pid": os.getpid()}

    def open(self) -> None:
        """Open the file now rather than at the first event. Raises `UserError`."""
        try:
            self._open()
        except (OSError, ValueError) as error:
            raise UserError(
                f"--log-file {self._path} cannot be written ({one_line(error)}); give a file in a folder that can be."
            ) from None

    def take(self, record: logging.LogRecord) -> None:
        line = (json.dumps(event_of(record) | self._who, allow_nan=False) + "\n").encode()
        try:
            self._open()
            # A disk that is full may have taken a part of the last line.
            data = b"\n" + line if self._torn else line
            self._torn = os.write(self._descriptor, data) < len(data)
        except OSError as error:
            self._tell(one_line(error))
        if self._torn:
            self._tell("the disk is full")

    def close(self) -> None:
        """Close the file, if it was opened."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()

    def _open(self) -> None:
        if self._descriptor < 0:
            if self._makes_folder:
                Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def _tell(self, why: str) -> None:
        if not self._told:
            self._told = True
            warnings.warn(
                f"{self._path} does not have all events ({why}); the study has every trial.",
                LogWarning,
                stacklevel=2,
            )


class _Warnings(_Handler):
    """Prints warnings and worse in a line each, above the live display if there is one."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def take(self, record: logging.LogRecord) -> None:
        trial = getattr(record, "trial_id", None)
        of = "" if trial is None else f"trial {trial}: "
        text = without_credentials(" ".join(f"{record.levelname.lower()}: {of}{record.getMessage()}".split()))
        self._console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)


def event_of(record: logging.LogRecord) -> dict[str, Any]:
    """A log record as plain data: time, level, event, message, trial_id if it has one, then its other fields."""
    own = vars(record)
    event = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": own.get("event", "message"),
        "message": record.getMessage(),
        **({"trial_id": own["trial_id"]} if own.get("trial_id") is not None else {}),
        **({"traceback": logging.Formatter().formatException(record.exc_info)} if record.exc_info else {}),
    }
    # Ray marks every record of a process that it runs in with its own time.
    taken = _OF_EVERY_RECORD | event.keys()
    more = {name: value for name, value in own.items() if name not in taken and not name.startswith("_ray")}
    return {name: _plain(value) for name, value in {**event, **more}.items()}


def _plain(value: Any) -> Any:
    """A value as JSON has it: null for what is no finite number, no credentials in any text."""
    if isinstance(value, str):
        return without_credentials(value) if "://" in value else value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [_plain(item) for item in value]
    return without_credentials(str(value))
