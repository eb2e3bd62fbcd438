"""Waiting for a store that is away for the moment: a failing network, a throttling bucket, an unmounted folder."""

from __future__ import annotations

import errno
import logging
import random
import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import pyarrow as pa

# What a trial has cost is worth a long wait; whoever reads can ask again.
WRITE_SECONDS = 600.0
READ_SECONDS = 60.0

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 20.0
_ERRNO_NAMES = (
    *("EIO", "EREMOTEIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "EPIPE", "ENOLINK"),
    *("ENOTCONN", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET"),
    *("EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETRESET", "ENETUNREACH"),
)
# Not every system has every name.
_ERRNOS = frozenset(getattr(errno, name) for name in _ERRNO_NAMES if hasattr(errno, name))
# Arrow gives the errors of object stores no number, only these words. 501 and 507 do not pass by waiting.
_WORDS = re.compile(
    r"AWS Error (?:NETWORK_CONNECTION|SLOW_DOWN|THROTTLING|INTERNAL_FAILURE|SERVICE_UNAVAILABLE|REQUEST_TIMEOUT)\b"
    r"|HTTP status (?:408|429|5(?!01|07)\d\d)\b"
    r"|Status\((?:UNAVAILABLE|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|INTERNAL):"
)

_log = logging.getLogger(__name__)
_random = random.Random()  # not the global one, whose state trials may use
_waiting_for: set[str] = set()
_lock = threading.Lock()

T = TypeVar("T")


class RootMissingError(OSError):
    """The study's folder is not there, though it was: whoever shares it has unmounted it."""


def patiently(operation: Callable[[], T], seconds: float, name: str) -> T:
    """What `operation` returns, tried again for about so many seconds while the store `name` is away.

    Raises what `operation` raises: at once if waiting would not help, else what it raised last.
    """
    attempt, end = 0, None
    try:
        while True:
            try:
                result = operation()
            except (OSError, pa.ArrowException) as error:
                delay = min(_FIRST_DELAY * 2**attempt, _LONGEST_DELAY) * _random.uniform(0.5, 1)
                end = time.monotonic() + seconds if end is None else end
                if not is_away(error) or time.monotonic() + delay > end:
                    raise
                _say_once_that_it_waits(name, seconds, error)
                attempt += 1
                time.sleep(delay)
            else:
                if attempt:
                    _say_once_that_it_is_back(name)
                return result
    finally:
        # Also where a trial's time is over meanwhile: the next wait is to be told again.
        if attempt:
            with _lock:
                _waiting_for.discard(name)


def is_away(error: Exception) -> bool:
    """Whether an error says that the store is away for the moment, rather than that something is wrong for good."""
    if isinstance(error, RootMissingError | ConnectionError | TimeoutError):
        return True
    number = getattr(error, "errno", None)
    return number in _ERRNOS if number else bool(_WORDS.search(str(error)))


def _say_once_that_it_waits(name: str, seconds: float, error: Exception) -> None:
    """One line, however many threads wait."""
    with _lock:
        first = name not in _waiting_for
        _waiting_for.add(name)
    if first:
        extra = {"event": "store_away", "seconds": seconds}
        _log.warning("%s is away, waiting for up to %.0f s: %s", name, seconds, one_line(error), extra=extra)


def _say_once_that_it_is_back(name: str) -> None:
    with _lock:
        last = name in _waiting_for
        _waiting_for.discard(name)
    if last:
        _log.info("%s answers again", name, extra={"event": "store_back"})


def one_line(error: Exception) -> str:
    """The message of an error without its line breaks and credentials."""
    return without_credentials(" ".join(str(error).split()).rstrip("."))


def without_credentials(text: str) -> str:
    """A text without what stands before the @ of the URLs in it, and without the values that sign a query."""
    text = re.sub(r"://\S*@", "://", text)
    return re.sub(
        r"([\w-]*(?:sig|signature|token|secret|password|credential|key)[\w-]*=)[^&\s]+", r"\1...", text, flags=re.I
    )
