"""Killed at any moment and started again, a search ends with the rows of one that nobody disturbed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tune_stability import load_results

MARK = "TUNE_STABILITY_TEST_RUN"
TRIALS = 24


class Searches:
    """Starts searches with a trainable that takes its time, each the leader of its own session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "slow_trainable.py").write_text(
            "import os, time\n"
            "from tune_stability.training.analytic import run_trial as analytic\n"
            "def run_trial(config):\n"
            "    time.sleep(float(os.environ['SECONDS_A_TRIAL']))\n"
            "    return analytic(config)\n"
        )
        self._mark = uuid.uuid4().hex
        self._found: dict[int, int] = {}

    def start(self, out: str, executor: str, seconds: float) -> subprocess.Popen[str]:
        arguments = ["--trainable", "slow_trainable:run_trial", "--model", "analytic/x", "--task", "none"]
        size = ["--space", "wide", "--num-configs", "6", "--seeds", "2", "--out", out, "--executor", executor]
        environment = {
            **os.environ,
            MARK: self._mark,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(self._folder), os.environ.get("PYTHONPATH")])),
            "SECONDS_A_TRIAL": str(seconds),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "tune_stability.search", *arguments, *size],
            cwd=self._folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, out: str, executor: str, seconds: float = 0.0) -> str:
        search = self.start(out, executor, seconds)
        stdout, stderr = search.communicate(timeout=300)
        assert search.returncode == 0, stderr
        return stdout

    def rows(self, out: str) -> pd.DataFrame:
        return load_results(self._folder / out)

    def wait_for_trials(self, out: str, search: subprocess.Popen[str], count: int) -> None:
        """Wait until the store has that many trials."""
        trials = self._folder / out / "trials"
        end = time.monotonic() + 200
        while not trials.is_dir() or len(list(trials.glob("*.parquet"))) < count:
            assert search.poll() is None, search.communicate()
            assert time.monotonic() < end, "no trial ended"
            time.sleep(0.02)

    def processes(self) -> set[int]:
        """Every living process that one of these searches started.

        They are known by the mark that they inherit. A worker of Ray overwrites it with its title, so the children of
        what was found count too, even after their parents have gone.
        """
        wanted = f"{MARK}={self._mark}".encode()
        living: dict[int, tuple[int, int]] = {}
        marked = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if fields[0] != "Z":
                process, parent, started = int(folder.name), int(fields[1]), int(fields[19])
                living[process] = parent, started
                if wanted in environment.split(b"\0"):
                    marked.add(process)
        # The start tells a process from a later one of the same number.
        found = marked | {
            process for process, started in self._found.items() if living.get(process, (0, 0))[1] == started
        }
        while children := {process for process, (parent, _) in living.items() if parent in found} - found:
            found |= children
        self._found = {process: living[process][1] for process in found}
        return found

    def kill(self) -> None:
        """SIGKILL to the whole tree, until none of it is left."""
        while left := self.processes():
            for process in left:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.05)


@pytest.fixture
def searches(tmp_path: Path) -> Iterator[Searches]:
    if not Path("/proc/self/environ").exists():
        pytest.skip("finds the processes of a search in /proc")
    made = Searches(tmp_path)
    yield made
    made.kill()


def same_results(one: pd.DataFrame, other: pd.DataFrame) -> None:
    columns = ["trial_id", "recipe", "config_index", "seed", "status", "outcome", "score", "train_loss"]
    pd.testing.assert_frame_equal(one[columns], other[columns])


def kill_and_go_on(searches: Searches, executor: str, seconds: float, moment: random.Random) -> None:
    killed = searches.start("killed", executor, seconds)
    searches.wait_for_trials("killed", killed, moment.randint(1, 8))
    time.sleep(moment.random() * 2 * seconds)
    searches.kill()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    before = searches.rows("killed")
    assert 0 < len(before) < TRIALS
    printed = searches.finish("killed", executor)
    assert f"{TRIALS - len(before)} trials to run, {len(before)} already done" in printed
    searches.finish("undisturbed", "local")
    after = searches.rows("killed")
    assert len(after) == TRIALS
    assert after["trial_id"].is_unique
    same_results(after, searches.rows("undisturbed"))
    # What had ended before the kill did not run again.
    kept = after[after["trial_id"].isin(before["trial_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before)


@pytest.mark.slow
def test_a_search_killed_at_a_random_moment_goes_on(searches: Searches) -> None:
    kill_and_go_on(searches, "local", 0.1, random.Random())


@pytest.mark.slow
def test_a_search_on_ray_killed_with_its_workers_at_a_random_moment_goes_on(searches: Searches) -> None:
    kill_and_go_on(searches, "ray", 0.2, random.Random())


def interrupt_and_go_on(searches: Searches, executor: str, whole_group: bool) -> None:
    search = searches.start("study", executor, 0.3)
    searches.wait_for_trials("study", search, 2)
    started = time.monotonic()
    if whole_group:
        # As a terminal does it.
        os.killpg(search.pid, signal.SIGINT)
    else:
        search.send_signal(signal.SIGINT)
    stdout, stderr = search.communicate(timeout=100)
    assert search.returncode == 130, stderr
    assert time.monotonic() - started < 60
    assert "Stopped. What had ended is stored; to go on: python -m tune_stability.search --trainable" in stderr
    assert "--out study" in stderr
    assert "Traceback" not in stdout + stderr
    # Ray's own processes end with it.
    end = time.monotonic() + 60
    while searches.processes() and time.monotonic() < end:
        time.sleep(0.1)
    assert not searches.processes()
    stored = searches.rows("study")
    assert 2 <= len(stored) < TRIALS
    assert (stored["status"] == "completed").all()
    assert f"{TRIALS - len(stored)} trials to run, {len(stored)} already done" in searches.finish("study", "local")


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["local", "ray"])
def test_of_two_searches_started_at_once_one_runs_and_the_other_says_who(searches: Searches, executor: str) -> None:
    both = [searches.start("study", executor, 0.2) for _ in range(2)]
    said = {search.pid: search.communicate(timeout=300) for search in both}
    ran, left = sorted(both, key=lambda search: search.returncode)
    assert (ran.returncode, left.returncode) == (0, 2), said
    (line,) = said[left.pid][1].splitlines()
    assert f"pid {ran.pid}, since" in line
    searches.finish("undisturbed", "local")
    same_results(searches.rows("study"), searches.rows("undisturbed"))


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_keeps_what_had_ended(searches: Searches) -> None:
    interrupt_and_go_on(searches, "local", whole_group=True)


@pytest.mark.slow
@pytest.mark.parametrize("whole_group", [False, True])
def test_ctrl_c_ends_ray_cleanly_and_keeps_what_had_ended(searches: Searches, whole_group: bool) -> None:
    interrupt_and_go_on(searches, "ray", whole_group)


@pytest.mark.slow
def test_ray_says_nothing_of_its_own(searches: Searches) -> None:
    search = searches.start("study", "ray", 0.0)
    stdout, stderr = search.communicate(timeout=300)
    assert search.returncode == 0, stderr
    assert stderr == ""
    lines = stdout.splitlines()
    assert lines[0].startswith("study study: The arms share learning_rate")
    assert any(line.startswith(f"{TRIALS} trials to run, 0 already done") for line in lines)
    assert f"{TRIALS}/{TRIALS} trials, " in stdout
    for word in ("ray", "Ray", "tune.", "Trial name", "RUNNING", "INFO", "WARNING", "Warning"):
        # The path of the picture may hold anything.
        assert word not in stdout.partition("picture:")[0]
    assert sorted(path.name for path in Path(searches._folder).iterdir() if path.name != "__pycache__") == [
        "slow_trainable.py",
        "study",
    ]


@pytest.mark.slow
def test_a_trial_killed_at_a_random_step_goes_on_from_its_checkpoint_to_the_same_row(tmp_path: Path) -> None:
    def start(out: str) -> subprocess.Popen[bytes]:
        what = ["--space", "lr", "--recipes", "devlin", "--num-configs", "1", "--seeds", "1", "--train-size", "512"]
        how = ["--executor", "local", "--checkpoint-every", "4", "--out", str(tmp_path / out)]
        return subprocess.Popen([sys.executable, "-m", "tune_stability.search", *what, *how], stdout=subprocess.DEVNULL)

    assert start("undisturbed").wait(timeout=200) == 0
    checkpoints = tmp_path / "killed" / "checkpoints"
    search = start("killed")
    while not (checkpoints.is_dir() and list(checkpoints.glob("*.safetensors"))):
        assert search.poll() is None
        time.sleep(0.01)
    time.sleep(random.random() / 2)
    search.kill()
    search.wait(timeout=60)
    assert len(list(checkpoints.glob("*.safetensors"))) == 1
    assert load_results(tmp_path / "killed").empty
    assert start("killed").wait(timeout=200) == 0
    assert list(checkpoints.glob("*.safetensors")) == []
    one, other = (load_results(tmp_path / name) for name in ("undisturbed", "killed"))
    differing = ["study", "seconds", "started_at"]
    pd.testing.assert_frame_equal(one.drop(columns=differing), other.drop(columns=differing))
    for table in ("curves", "gradients"):
        one, other = (load_results(tmp_path / name, table=table) for name in ("undisturbed", "killed"))
        pd.testing.assert_frame_equal(one, other)
