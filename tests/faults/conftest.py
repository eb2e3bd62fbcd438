from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from tune_stability import load_results

FAULTS = Path(__file__).parents[2] / "experiments" / "faults"
sys.path.insert(0, str(FAULTS))

import trainables  # noqa: E402
from cluster import Cluster  # noqa: E402
from study import Study, differences, kill_search, rows_in_files  # noqa: E402

ENOUGH_SECONDS = 300.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test's studies lie; its trials take their time, and have their faults."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("finds the processes of a cluster in /proc")
    marks = tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv(trainables.FOLDER, str(marks))
    return tmp_path


@pytest.fixture
def cluster(folder: Path) -> Iterator[Cluster]:
    """A head that runs no trials. Nodes are the test's own."""
    made = Cluster(folder)
    try:
        made.start()
        yield made
    finally:
        made.remove()


class Searches:
    """Studies, and the searches that run them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list = []
        self._held = folder / "marks" / trainables.HELD
        self._cluster: Cluster | None = None

    def start(self, cluster: Cluster, name: str = "study", num_configs: int = 10, address: str = "", **more) -> Study:
        """Start a search of a study, again if it was started before; `address` if not the cluster's own."""
        study = Study(self._folder / name, num_configs, **more)
        self._cluster = cluster
        self._started.append(study.start(address or cluster.address))
        return study

    @property
    def last(self):
        return self._started[-1]

    def wait_for_trials(self, study: Study, count: int) -> None:
        """Until so many trials are stored."""
        self._wait(study, lambda: study.num_stored() >= count)

    def hold_until(self, study: Study, count: int) -> None:
        """Until so many workers have been in a trial, and no trial ends before `let_go`."""
        self._wait(study, lambda: len(list(self._held.iterdir())) >= count)

    def hold(self) -> None:
        """Let every trial wait."""
        self._held.mkdir()

    def let_go(self) -> None:
        """Let the trials that wait go on."""
        self._held.rename(self._folder / "was-held")

    def wait_for_words(self, study: Study, words: str) -> None:
        """Until a search of the study has printed them."""
        self._wait(study, lambda: words in self.said(study))

    def end(self, study: Study) -> int:
        """The exit code of the search, once it has ended."""
        self._wait(study, lambda: self.last.poll() is not None, until_end=True)
        return self.last.returncode

    def finish(self, study: Study) -> None:
        """Until the search has ended, as it should."""
        assert self.end(study) == 0, self.said(study)

    def _wait(self, study: Study, is_so: Callable[[], bool], until_end: bool = False) -> None:
        end = time.monotonic() + ENOUGH_SECONDS
        while not is_so():
            assert until_end or self.last.poll() is None, self.said(study)
            assert time.monotonic() < end, f"{study.num_stored()} trials; {self.said(study)}"
            self._cluster.tend()
            time.sleep(0.05)

    def said(self, study: Study) -> str:
        """All that the searches of the study printed."""
        return study.folder.with_suffix(".log").read_text()

    def check(self, study: Study) -> pd.DataFrame:
        """The rows, which must be those of a search that nobody disturbed."""
        expected = study.undisturbed(self._folder / "undisturbed")
        assert differences(rows_in_files(study.folder), expected) == {
            "rows": study.num_trials,
            "lost": 0,
            "foreign": 0,
            "duplicated": 0,
            "changed": 0,
        }
        return load_results(study.folder)

    def kill(self) -> None:
        for search in self._started:
            kill_search(search)


@pytest.fixture
def searches(folder: Path) -> Iterator[Searches]:
    made = Searches(folder)
    yield made
    made.kill()
