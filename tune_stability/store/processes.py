"""Which process this is, and whether another one still lives, as far as that can be seen from here."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process of a machine. `machine` and `started` are None where there is no /proc."""

    host: str
    pid: int
    machine: str | None
    """The boot of the machine and the namespace of its numbers: containers have the same numbers for others."""
    started: int | None
    """In clock ticks since the boot. It tells a process from a later one of the same number."""


def this_process() -> Process:
    pid = os.getpid()
    return Process(socket.gethostname(), pid, _machine(), _started(pid))


def lives(process: Process) -> bool | None:
    """Whether a process lives; None if that cannot be seen from here."""
    here = this_process()
    # Another boot of a host of this name, or another container of it, is another machine.
    if (process.host, process.machine) != (here.host, here.machine):
        return None
    if process.machine is not None:
        return _started(process.pid) == process.started
    # A number alone may have gone to a later process; and to ask Windows for one would interrupt it.
    return None if sys.platform == "win32" or _has_number(process.pid) else False


def _machine() -> str | None:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return None


def _started(pid: int) -> int | None:
    """None also for a process that has ended and whose parent has not asked how."""
    try:
        # The name of a program, in parentheses, may have any character.
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


def _has_number(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
