from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tune_stability.execution import Resources, get_executor, worker
from tune_stability.execution.timeouts import TrialTimeout, can_interrupt, stop_process_after, time_limit
from tune_stability.sampling.sources import EnumeratedSource, TrialEnd
from tune_stability.store import load_results


def test_what_ends_in_time_is_left_alone() -> None:
    with time_limit(5.0):
        value = sum(range(10))
    assert value == 45
    with time_limit(None):
        value += 1
    assert value == 46


def test_what_takes_too_long_is_interrupted_even_if_it_catches_exceptions() -> None:
    def stubborn() -> None:
        try:
            time.sleep(20)
        except Exception:
            time.sleep(20)

    started = time.monotonic()
    with (
        pytest.raises(TrialTimeout, match=r"ran for longer than 0.2 s, which is what --trial-timeout"),
        time_limit(0.2),
    ):
        stubborn()
    assert time.monotonic() - started < 10


def test_no_alarm_is_left_behind() -> None:
    with time_limit(0.1):
        pass
    time.sleep(0.2)


def test_outside_of_the_main_thread_nothing_is_interrupted() -> None:
    said: list[object] = []

    def inside() -> None:
        said.append(can_interrupt())
        with time_limit(0.05):
            time.sleep(0.1)
        said.append("done")

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert said == [False, "done"]


def test_a_trial_that_hangs_is_an_error_with_the_place_where_it_hung_and_the_others_go_on(
    make_study, make_trainable
) -> None:
    name = make_trainable("import time\nif config.config_index == 1:\n    time.sleep(60)\nreturn analytic(config)")
    place, trials = make_study(trainable=name)
    ends: list[TrialEnd] = []
    executor = get_executor("local", Resources(trial_timeout=2.0))
    executor.run("s", place, EnumeratedSource(trials), ends.append)
    rows = load_results(place)
    assert (rows["status"] == "error").tolist() == (rows["config_index"] == 1).tolist()
    assert rows["error"].dropna().str.contains("time.sleep").sum() == 2
    assert {end.error for end in ends} == {
        None,
        "TrialTimeout: the trial ran for longer than 2 s, which is what --trial-timeout allows",
    }
    assert all(2 <= end.seconds < 10 for end in ends if end.error)


def test_a_process_that_cannot_be_interrupted_is_stopped_with_its_stacks_in_the_log(tmp_path: Path) -> None:
    # re holds the interpreter's lock all the while, so no signal gets through.
    hang = (
        "import re\n"
        "from tune_stability.execution import timeouts\n"
        "timeouts.GRACE_SECONDS = 0.1\n"
        "def stuck():\n"
        "    re.match('(a+)+$', 'a' * 60 + 'b')\n"
        "with timeouts.stop_process_after(0.2), timeouts.time_limit(0.2):\n"
        "    stuck()\n"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", hang], capture_output=True, text=True, timeout=60, check=False)
    assert time.monotonic() - started < 30
    assert done.returncode == 1
    assert "stuck" in done.stderr


def test_a_process_that_ends_in_time_is_not_stopped() -> None:
    with stop_process_after(0.0):
        pass
    with stop_process_after(None):
        pass


def test_the_time_that_a_store_takes_is_not_the_trials(make_study, monkeypatch: pytest.MonkeyPatch) -> None:
    place, (trial, *_) = make_study()
    happened: list[object] = []
    write = worker.write_files

    @contextmanager
    def watched(seconds: float | None) -> Iterator[None]:
        happened.append(seconds)
        yield
        happened.append("free")

    def written(*arguments) -> None:
        happened.append("stored")
        write(*arguments)

    monkeypatch.setattr(worker, "stop_process_after", watched)
    monkeypatch.setattr(worker, "write_files", written)
    worker.Worker("s", place, timeout=9.0, may_stop=True).run(trial)
    assert happened == [9.0, "free", "stored"]
    happened.clear()
    # A search that runs its trials itself must not be ended.
    worker.Worker("s", place, timeout=9.0).run(trial)
    assert happened == [None, "free", "stored"]
