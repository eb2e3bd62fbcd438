"""Says when the head of a cluster is gone, before Ray ends the process of the search without a word of ours."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOK_SECONDS = 5.0
AWAY_SECONDS = 20.0
"""Ray itself gives up after 60."""
_log = logging.getLogger(__name__)


@contextmanager
def head_watched(address: str) -> Iterator[None]:
    """Log an error once the head at HOST:PORT has not answered for `AWAY_SECONDS`, and when it answers again."""
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(address, stop), name="head_watched", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(address: str, stop: threading.Event) -> None:
    answered, told = time.monotonic(), False
    while not stop.wait(LOOK_SECONDS):
        if _answers(address):
            if told:
                _log.info("the head at %s answers again", address, extra={"event": "head_back"})
            answered, told = time.monotonic(), False
        elif not told and time.monotonic() - answered > AWAY_SECONDS:
            told = True
            _log.error(
                "the cluster's head at %s does not answer; unless it comes back within a minute the search ends, what "
                "had ended is stored, and the same command goes on with a new cluster",
                address,
                extra={"event": "head_away"},
            )


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=LOOK_SECONDS).close()
    except OSError:
        return False
    return True
