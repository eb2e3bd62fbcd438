"""One search at a time runs a study. Nothing is lost if two do; both would run the same trials."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tune_stability.errors import UserError
from tune_stability.store.location import Location, unique_name
from tune_stability.store.patience import one_line
from tune_stability.store.processes import lives, this_process
from tune_stability.store.signs import Sign, State, read_sign

RENEW_SECONDS = 20.0
LIMIT_SECONDS = 90.0
"""A search on another machine is dead when its sign has not changed for so long."""
_POLL_SECONDS = 0.5
_log = logging.getLogger(__name__)


@contextmanager
def lease(location: Location, say: Callable[[str], None]) -> Iterator[None]:
    """Be the search that runs a study. `say` hears a line when that takes a while to find out.

    Raises `UserError` if another search runs it, or nothing can be written.
    """
    own = _OwnSign(location)
    try:
        # The search may be the one that starts the study.
        location.make_root()
        # Before the look at the others: of two that come at once, the one that wrote last sees the other.
        own.put("entering")
        own.renew()
        _wait_for_others(location, own.path, say)
        own.put("running")
        yield
    finally:
        own.remove()


class _OwnSign:
    """The sign of this search, and the thread that renews it."""

    def __init__(self, location: Location) -> None:
        self.path = location.search_file(unique_name())
        self._location = location
        self._sign = Sign(this_process(), "entering", _now(), _now())
        self._writing = threading.Lock()
        self._written = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_over, name="tune_stability-lease", daemon=True)

    def put(self, state: State) -> None:
        with self._writing:
            self._sign = dataclasses.replace(self._sign, state=state, renewed_at=_now())
            self._location.write(self.path, self._sign.to_json().encode())
            self._written = True

    def renew(self) -> None:
        """Begin to renew it."""
        self._thread.start()

    def remove(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            # A store that hangs must not keep the search from ending.
            self._thread.join(RENEW_SECONDS)
        try:
            self._location.delete(self.path)
        except OSError as error:
            if not self._written:
                return
            _log.warning(
                "could not take this search's sign out of %s (%s); the next one elsewhere waits %.0f s",
                *(self._location.name, one_line(error), LIMIT_SECONDS),
                extra={"event": "lease_left"},
            )

    def _renew_until_over(self) -> None:
        while not self._over.wait(RENEW_SECONDS):
            try:
                self.put(self._sign.state)
            except UserError as error:
                _log.warning(
                    "could not renew this search's sign of life (%s); trying again in %.0f s",
                    *(one_line(error), RENEW_SECONDS),
                    extra={"event": "lease_not_renewed"},
                )


@dataclass
class _Other:
    """Another search's file: what it held when it last changed, when that was seen, and what that tells."""

    path: str
    data: bytes | None = None
    sign: Sign | None = None
    seen: float = field(default_factory=time.monotonic)
    alive: bool | None = None

    def look(self, location: Location) -> None:
        """Read the file again. `alive` is None as long as only another machine knows."""
        data, self.sign = read_sign(location, self.path)
        if data == b"" and self.data:
            # It could not be read this time, which says nothing.
            return
        now = time.monotonic()
        here = None if self.sign is None else lives(self.sign.process)
        if data is None or here is not None:
            self.alive = here
        elif self.data is None:
            self.alive = None
        elif data != self.data:
            self.alive = True
        elif now - self.seen > LIMIT_SECONDS:
            self.alive = False
        if data != self.data:
            self.data, self.seen = data, now

    @property
    def runs(self) -> bool:
        """Whether it may run trials; of a damaged file nobody knows."""
        return self.sign is None or self.sign.state == "running"

    @property
    def host(self) -> str:
        return "another machine" if self.sign is None else self.sign.process.host


def _wait_for_others(location: Location, own: str, say: Callable[[str], None]) -> None:
    """Return once all searches that were there before have left; raise `UserError` if one of them goes on.

    The smaller name goes on; the other one leaves. One look at the names is enough: who comes later sees this one, and
    leaves, or waits until this one has left or runs.
    """
    others = [_Other(path) for path in location.search_files() if path != own]
    began, said = time.monotonic(), False
    while others := [other for other in others if _stands(location, other, own)]:
        unknown = [other.host for other in others if other.alive is None]
        if unknown and not said:
            said = True
            say(
                f"another search on {unknown[0]} may still be running it; waiting up to {LIMIT_SECONDS:.0f} s "
                "to find out"
            )
        if time.monotonic() - began > 2 * LIMIT_SECONDS:
            raise _refused(location, others[0])
        time.sleep(_POLL_SECONDS)


def _stands(location: Location, other: _Other, own: str) -> bool:
    """Whether another search is still to be waited for. Raises `UserError` if it goes before this one."""
    other.look(location)
    if other.data is None:
        return False
    if other.alive is False:
        _remove_dead(location, other)
        return False
    if other.alive and (other.runs or other.path < own):
        raise _refused(location, other)
    return True


def _remove_dead(location: Location, other: _Other) -> None:
    try:
        location.delete(other.path)
    except OSError as error:
        _log.warning("could not delete %s (%s)", other.path, one_line(error), extra={"event": "lease_left"})


def _refused(location: Location, other: _Other) -> UserError:
    who = "on another machine" if other.sign is None else f"({other.sign})"
    return UserError(
        f"another search {who} runs the study {location.name}; wait until it ends, or stop it, and run this one again. "
        "The store is safe either way."
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
