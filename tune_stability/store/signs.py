"""The sign of life that a search leaves in a study while it runs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tune_stability.errors import UserError
from tune_stability.store.location import Location
from tune_stability.store.processes import Process, lives
from tune_stability.store.study import study_folder

State = Literal["entering", "running"]
_LONGEST = 100
_MOST_PID = 2**31


@dataclass(frozen=True)
class Sign:
    """Which process searches, in which state, since when and last seen when, in ISO 8601 by that machine's clock."""

    process: Process
    state: State
    started_at: str
    renewed_at: str

    def to_json(self) -> str:
        """The sign as `from_json` reads it."""
        who = self.process
        process = {"host": who.host, "pid": who.pid, "machine": who.machine, "process_start": who.started}
        times = {"started_at": self.started_at, "renewed_at": self.renewed_at}
        return json.dumps({**process, **times, "state": self.state}) + "\n"

    @classmethod
    def from_json(cls, data: bytes) -> Sign | None:
        """The sign in a file, None if the file is damaged; names that are unknown here are left out."""
        try:
            table = json.loads(data)
            return _sign(table) if isinstance(table, Mapping) else None
        except (ValueError, RecursionError):
            return None

    def __str__(self) -> str:
        return f"{self.process.host}, pid {self.process.pid}, since {self.started_at}"


def running_searches(location: str | Path | Location) -> list[tuple[Sign, bool]]:
    """The searches that run a study, each with whether it surely does: of another machine's, its sign is all there is.

    Raises `UserError` if the place is no study or out of reach.
    """
    place = study_folder(location)
    signs = [sign for path in place.search_files() if (sign := read_sign(place, path)[1]) is not None]
    seen = [(sign, lives(sign.process)) for sign in signs if sign.state == "running"]
    return [(sign, alive is True) for sign, alive in seen if alive is not False]


def read_sign(place: Location, path: str) -> tuple[bytes | None, Sign | None]:
    """What a file holds, None if it is gone, and the sign in it, None if it is damaged or cannot be read."""
    try:
        data = place.read(path)
    except UserError:
        return b"", None
    return data, None if data is None else Sign.from_json(data)


def _sign(table: Mapping[str, Any]) -> Sign | None:
    host, started_at, renewed_at = (_text(table, name) for name in ("host", "started_at", "renewed_at"))
    pid, machine, started, state = (table.get(name) for name in ("pid", "machine", "process_start", "state"))
    if host is None or started_at is None or renewed_at is None or state not in ("entering", "running"):
        return None
    if type(pid) is not int or not 0 < pid < _MOST_PID:
        return None
    known = isinstance(machine, str) and type(started) is int
    return Sign(Process(host, pid, *((machine, started) if known else (None, None))), state, started_at, renewed_at)


def _text(table: Mapping[str, Any], name: str) -> str | None:
    """A text that is fit to be shown in a line, None for anything else."""
    text = table.get(name)
    return text if isinstance(text, str) and text.isprintable() and len(text) <= _LONGEST else None
