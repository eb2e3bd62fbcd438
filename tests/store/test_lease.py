"""Of several searches of one study, one runs; the others refuse, or find out that it is dead."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyarrow import fs

from tune_stability.errors import UserError
from tune_stability.store import Location, lease, locate, open_study, read_study, running_searches, verify_store
from tune_stability.store import lease as _function
from tune_stability.store.processes import Process, this_process
from tune_stability.store.signs import Sign

module = sys.modules[_function.__module__]
ELSEWHERE = Process("elsewhere", 7, "another boot", 70)
TWO = """
import sys
from tune_stability.errors import UserError
from tune_stability.store import lease, locate
sys.modules[lease.__module__]._POLL_SECONDS = 0.002
for line in sys.stdin:
    try:
        with lease(locate(line.strip()), print):
            print("runs", flush=True)
            sys.stdin.readline()
        print("left", flush=True)
    except UserError as error:
        print(error, flush=True)
        sys.stdin.readline()
        print("left", flush=True)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(module, "LIMIT_SECONDS", 0.3)
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.005)


@pytest.fixture
def dead_process() -> Process:
    """A process of this machine that has been."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return dataclasses.replace(this_process(), pid=child.pid)


def put(place: Location, name: str, content: Process | bytes, state: str = "running") -> str:
    """Write the file of another search, by hand; its path."""
    path = place.search_file(name)
    if isinstance(content, Process):
        content = Sign(content, state, "2026-01-01T00:00:00+00:00", f"{time.time_ns()}").to_json().encode()  # type: ignore[arg-type]
    place.write(path, content)
    return path


@contextmanager
def renewed(place: Location, name: str, content: Callable[[], Process | bytes], state: str) -> Iterator[None]:
    """As a search on another machine does."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(0.02):
            put(place, name, content(), state)

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def enter(place: Location) -> list[str]:
    """Hold the lease for a moment; what was said."""
    said: list[str] = []
    with lease(place, said.append):
        (own,) = place.search_files()
        assert json.loads(place.read(own) or b"")["state"] == "running"
    assert place.search_files() == []
    return said


def refused(place: Location, *words: str) -> None:
    before = place.search_files()
    with pytest.raises(UserError) as caught:
        enter(place)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
    assert place.search_files() == before


def test_alone_it_runs_at_once_and_renews_its_sign(study: Location) -> None:
    with lease(study, pytest.fail):
        (path,) = study.search_files()
        first = json.loads(study.read(path) or b"")
        assert (first["pid"], first["state"]) == (os.getpid(), "running")
        end = time.monotonic() + 5
        while json.loads(study.read(path) or b"")["renewed_at"] == first["renewed_at"]:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert study.search_files() == []


def test_the_folder_of_signs_is_none_of_the_study_s_business(tmp_path, make) -> None:
    place = locate(tmp_path / "s")
    with lease(place, pytest.fail):
        spec = open_study(place, make.spec())
        assert read_study(place) == spec
        assert verify_store(place).defects == ()
        assert [certain for _, certain in running_searches(place)] == [True]
    assert running_searches(place) == []


def test_one_that_runs_here_is_refused_at_once(study: Location) -> None:
    with lease(study, pytest.fail):
        refused(study, f"pid {os.getpid()}", "wait until it ends, or stop it", study.name)


def test_one_that_was_killed_here_is_known_to_be_dead_at_once(study: Location, dead_process: Process) -> None:
    for state in ("running", "entering"):
        put(study, "0", dead_process, state)
        assert running_searches(study) == []
        assert enter(study) == []


def test_a_number_that_another_process_has_now_is_no_life(study: Location) -> None:
    here = this_process()
    if here.started is None:
        pytest.skip("needs /proc")
    put(study, "0", dataclasses.replace(here, started=here.started - 1))
    assert enter(study) == []


@pytest.mark.parametrize("state", ["running", "entering"])
@pytest.mark.parametrize("who", [ELSEWHERE, b'{"host": "half', b"", b"[]", b'{"pid": -1}'])
def test_one_elsewhere_without_a_sign_of_life_is_dead_after_a_while(
    study: Location, who: Process | bytes, state: str
) -> None:
    put(study, "0", who, state)
    started = time.monotonic()
    (line,) = enter(study)
    assert time.monotonic() - started > 0.3
    host = who.host if isinstance(who, Process) else "another machine"
    assert line == f"another search on {host} may still be running it; waiting up to 0 s to find out"


@pytest.mark.parametrize("state", ["running", "entering"])
def test_one_elsewhere_that_renews_its_sign_is_refused(study: Location, state: str) -> None:
    put(study, "0", ELSEWHERE, state)
    with renewed(study, "0", lambda: ELSEWHERE, state):
        refused(study, "elsewhere, pid 7, since 2026-01-01")


def test_damage_that_changes_is_a_sign_of_life_too(study: Location) -> None:
    put(study, "0", b"{")
    with renewed(study, "0", lambda: b"{" + os.urandom(4), "running"):
        refused(study, "on another machine")


@pytest.mark.parametrize("who", [this_process(), ELSEWHERE])
def test_the_smaller_name_waits_until_the_other_has_left(study: Location, who: Process) -> None:
    path = put(study, "z", who, "entering")
    with renewed(study, "z", lambda: who, "entering"):
        said: list[str] = []
        winner = threading.Thread(target=lambda: _hold(study, said))
        winner.start()
        time.sleep(0.1)
        assert winner.is_alive()
    study.delete(path)
    winner.join(5)
    assert said[-1] == "ran"


def test_the_smaller_name_refuses_when_the_other_runs_after_all(study: Location) -> None:
    put(study, "z", this_process(), "entering")
    timer = threading.Timer(0.1, lambda: put(study, "z", this_process(), "running"))
    timer.start()
    refused(study, f"pid {os.getpid()}")
    timer.join()


def test_waiting_for_one_that_never_decides_ends(study: Location) -> None:
    put(study, "z", this_process(), "entering")
    refused(study, "another search")


def _hold(place: Location, said: list[str]) -> None:
    with lease(place, said.append):
        said.append("ran")


def test_of_many_at_once_exactly_one_runs(study: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, read = random.Random(0), Location.read

    def slow_read(place: Location, path: str) -> bytes | None:
        time.sleep(chance.random() / 500)
        return read(place, path)

    monkeypatch.setattr(Location, "read", slow_read)
    monkeypatch.setattr(module, "LIMIT_SECONDS", 10.0)
    for _ in range(25):
        ran, everyone = [], threading.Barrier(4)

        def search(everyone: threading.Barrier = everyone, ran: list[int] = ran) -> None:
            everyone.wait()
            time.sleep(chance.random() / 200)
            try:
                with lease(study, pytest.fail):
                    ran.append(1)
                    everyone.wait(5)
            except UserError:
                everyone.wait(5)

        threads = [threading.Thread(target=search) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ran == [1]


def start() -> subprocess.Popen[str]:
    """A process that holds the lease of the study that it is told, until it is told to leave."""
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", TWO], stdin=pipe, stdout=pipe, text=True, bufsize=1)


def tell(search: subprocess.Popen[str], line: str) -> None:
    assert search.stdin is not None
    search.stdin.write(f"{line}\n")


def heard(search: subprocess.Popen[str]) -> str:
    assert search.stdout is not None
    return search.stdout.readline()


def test_of_two_processes_at_the_same_moment_exactly_one_runs(study: Location) -> None:
    with start() as one, start() as two:
        for _ in range(50):
            said = []
            for step in (study.root, "leave"):
                for search in (one, two):
                    tell(search, step)
                said += [heard(search) for search in (one, two)]
            assert said.count("runs\n") == 1, said
            assert sum(line.startswith("another search") for line in said) == 1
            assert said[2:] == ["left\n", "left\n"]
        for search in (one, two):
            assert search.stdin is not None
            search.stdin.close()
    assert study.search_files() == []


def test_a_killed_process_holds_nobody_up(study: Location) -> None:
    search = start()
    tell(search, study.root)
    assert heard(search) == "runs\n"
    refused(study, f"pid {search.pid}")
    search.kill()
    # Nobody has asked yet how it ended, and still it is known to be dead.
    time.sleep(0.1)
    assert enter(study) == []
    with search:
        pass


def test_a_renewal_that_fails_is_told_and_tried_again(
    study: Location, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write, failed = Location.write, threading.Event()

    def away(place: Location, path: str, data: bytes) -> None:
        if failed.is_set():
            return write(place, path, data)
        if b'"running"' in data and threading.current_thread() is not threading.main_thread():
            failed.set()
            raise UserError("cannot write to s3://key:secret@bucket: it is away.")
        return write(place, path, data)

    monkeypatch.setattr(Location, "write", away)
    with caplog.at_level(logging.WARNING, "tune_stability"), lease(study, pytest.fail):
        assert failed.wait(5)
        (path,) = study.search_files()
        before = study.read(path)
        end = time.monotonic() + 5
        while study.read(path) == before:
            assert time.monotonic() < end
            time.sleep(0.01)
    (record,) = caplog.records
    assert record.event == "lease_not_renewed"  # type: ignore[attr-defined]
    assert "cannot write to s3://bucket" in record.getMessage()


def test_a_place_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write to"), lease(locate(tmp_path / "file" / "study"), pytest.fail):
        pytest.fail("it ran")
    assert caplog.records == []


@pytest.mark.parametrize(
    "change",
    [
        {"host": "two\nlines"},
        {"host": "h" * 101},
        {"host": None},
        {"pid": True},
        {"pid": 0},
        {"pid": 2**40},
        {"pid": "7"},
        {"state": "done"},
        {"started_at": 5},
    ],
)
def test_a_sign_of_another_form_is_damage(change: dict[str, object]) -> None:
    text = Sign(ELSEWHERE, "running", "then", "now").to_json()
    assert Sign.from_json(text.encode()) == Sign(ELSEWHERE, "running", "then", "now")
    assert Sign.from_json(json.dumps(json.loads(text) | change).encode()) is None
    assert Sign.from_json(json.dumps(json.loads(text) | {"more": [1]}).encode()) is not None


def test_it_works_where_files_are_moved_or_put_too(make, monkeypatch: pytest.MonkeyPatch) -> None:
    for stores in ((), ("mock",)):
        monkeypatch.setattr("tune_stability.store.location._OBJECT_STORES", stores)
        place = Location(fs._MockFileSystem(), "bucket/study", "mock://bucket/study")
        # Keys of an object store need no folder; those of the one in memory do.
        place.filesystem.create_dir("bucket/study/searches")
        open_study(place, make.spec())
        put(place, "0", ELSEWHERE)
        assert len(enter(place)) == 1
        with lease(place, pytest.fail):
            refused(place, f"pid {os.getpid()}", "mock://bucket/study")
