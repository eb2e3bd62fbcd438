"""How long a trial may run."""

from __future__ import annotations

import faulthandler
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 30.0
"""How long a trial that was told to end may take to do so; then it is told again, or its worker is stopped."""


class TrialTimeout(BaseException):
    """A trial ran for too long. No `Exception`, so that a trainable that catches those does not go on."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `TrialTimeout` in what runs inside after so many seconds, and again after each `GRACE_SECONDS`.

    The exception comes with the next step of Python code; what hangs in a library has no such step and is for
    `stop_process_after`. Where there are no alarms, outside of a process's main thread, nothing is raised.
    """
    if seconds is None or not can_interrupt():
        yield
        return

    def over(number: int, frame: FrameType | None) -> None:
        raise TrialTimeout(f"the trial ran for longer than {seconds:g} s, which is what --trial-timeout allows")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, GRACE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def stop_process_after(seconds: float | None) -> Iterator[None]:
    """End this process, with the stacks of its threads in its log, if what runs inside takes so long and a grace."""
    if seconds is None:
        yield
        return
    # Its clock runs in a thread of C, which no interpreter lock can hold up.
    faulthandler.dump_traceback_later(seconds + 2 * GRACE_SECONDS, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def can_interrupt() -> bool:
    """Whether `time_limit` works here."""
    return hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
