"""Kill parts of a cluster at random moments while studies run on it, and compare what is stored in the end.

    python experiments/faults/run.py --kills 200 --out results/faults/kills.jsonl

A head and two nodes run on this machine, each a process group of its own. Study after study runs on them: in each round
one of plain trials, one in which trials raise at times, and one in which they hang, in random order. At random moments
a worker, a node (a raylet with its workers), the search, or everything is killed by SIGKILL; nodes come back after a
while, and a search that was killed, or whose cluster was, is started again by the same command. Once a study has ended,
its rows are compared with those of an undisturbed run; before that, while it runs and its files are not yet merged, it
is seen whether a trial was stored twice. A line of JSON for each kill and each study.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import trainables
from cluster import Cluster
from study import Study, differences, kill_search, rows_in_files

from tune_stability.store import verify_store

FAULTS = {"worker": 0.75, "node": 0.17, "search": 0.05, "cluster": 0.03}
TRAINABLES = ("run_trial", "raising", "hanging")
NUM_NODES = 2
STUDY_MINUTES = 30
GIVES_UP_SECONDS = 300
MOST_TRIALS_BETWEEN = 6
WRONG = ("lost", "foreign", "duplicated", "changed")


class Chaos:
    """One study after the other on one cluster, until there were enough kills."""

    def __init__(self, kills: int, num_configs: int, out: Path, seed: int, folder: Path) -> None:
        self._left, self._num_configs, self._out = kills, num_configs, out
        self._rng = random.Random(seed)
        self._folder = folder
        self._cluster = Cluster(folder)
        self._number = _studies_in(out)
        self._still_in_round: list[str] = []
        self._marks = folder / "marks"
        self._marks.mkdir()
        # The nodes hand it on to their workers.
        os.environ[trainables.FOLDER] = str(self._marks)
        self._expected = {
            name: Study(folder, num_configs, name).undisturbed(folder / f"undisturbed-{name}") for name in TRAINABLES
        }

    def run(self) -> bool:
        """Whether every study ended with the rows that it should."""
        sound = True
        try:
            self._start_cluster()
            while self._left > 0:
                sound &= self._study()
        finally:
            self._cluster.remove()
        return sound

    def _start_cluster(self) -> None:
        self._cluster.start()
        for _ in range(NUM_NODES):
            self._cluster.add_node()

    def _study(self) -> bool:
        self._number += 1
        if not self._still_in_round:
            self._still_in_round = self._rng.sample(TRAINABLES, len(TRAINABLES))
        name = self._still_in_round.pop()
        study = Study(self._folder / f"study-{self._number}", self._num_configs, name, ("--trial-timeout", "4s"))
        for mark in self._marks.iterdir():
            mark.unlink()
        started, kills, next_kill = time.monotonic(), 0, 1
        self._may_end, unexpected, twice = False, 0, 0
        self._search = study.start(self._cluster.address)
        while self._search.poll() != 0:
            if time.monotonic() - started > 60 * STUDY_MINUTES:
                raise RuntimeError(f"study {self._number} does not end; its log is {study.folder}.log")
            if self._search.poll() is not None:
                self._log(study, "the search ended", exit=self._search.returncode, expected=self._may_end)
                unexpected += not self._may_end
                self._may_end = False
                self._search = study.start(self._cluster.address)
            self._wait(self._rng.uniform(0, 0.5))
            self._bring_nodes_back()
            twice = max(twice, study.stored_twice(but_for={mark.name for mark in self._marks.iterdir()}))
            # Between two kills a few trials end, so that there is something to lose.
            if self._left > 0 and self._search.poll() is None and study.num_stored() >= next_kill:
                kills += self._kill(study)
                next_kill = study.num_stored() + self._rng.randint(1, MOST_TRIALS_BETWEEN)
        seconds = time.monotonic() - started
        return self._check(study, kills, seconds, twice) and not unexpected

    def _kill(self, study: Study) -> int:
        (fault,) = self._rng.choices(list(FAULTS), list(FAULTS.values()))
        stored = study.num_stored()
        if fault == "worker":
            done = self._cluster.kill_worker(self._rng)
        elif fault == "node":
            done = self._cluster.kill_node(self._rng)
        elif fault == "search":
            kill_search(self._search)
            done = True
        else:
            self._cluster.kill()
            # At times with the machine on which the search runs, at times it is left to find out.
            if self._rng.random() < 0.5:
                kill_search(self._search)
            self._search.wait(GIVES_UP_SECONDS)
            self._start_cluster()
            done = True
        # It is to outlive everything else.
        self._may_end |= fault in ("search", "cluster")
        if done:
            self._left -= 1
            self._log(study, "killed", fault=fault, stored=stored, kills_left=self._left)
        return int(done)

    def _bring_nodes_back(self) -> None:
        self._cluster.tend()
        if self._cluster.num_nodes < NUM_NODES and self._rng.random() < 0.5:
            self._cluster.add_node()

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._search.poll() is None:
            time.sleep(0.05)

    def _check(self, study: Study, kills: int, seconds: float, twice: int) -> bool:
        found = differences(rows_in_files(study.folder), self._expected[study.trainable])
        defects = verify_store(study.folder).defects
        self._log(
            study,
            "ended",
            trainable=study.trainable,
            trials=study.num_trials,
            kills=kills,
            seconds=round(seconds, 1),
            **found,
            stored_twice=twice,
            defects=list(defects),
            events=study.events(),
        )
        return not defects and not twice and not any(found[kind] for kind in WRONG)

    def _log(self, study: Study, what: str, **more: object) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "study": study.folder.name,
            "what": what,
            **more,
        }
        with open(self._out, "a") as file:
            print(json.dumps(line), file=file)
        print(json.dumps(line), flush=True)


def _studies_in(log: Path) -> int:
    if not log.exists():
        return 0
    with open(log) as lines:
        return sum(json.loads(line)["what"] == "ended" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Kill parts of a cluster while studies run, and compare what is stored."
    )
    parser.add_argument("--kills", type=int, default=200, help="how many in all")
    parser.add_argument("--num-configs", type=int, default=60, help="configurations of a study; four trials each")
    parser.add_argument("--seed", type=int, help="of the moments and the faults; by default another one each time")
    parser.add_argument("--out", type=Path, default=Path("results/faults/kills.jsonl"), help="the log, appended to")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    # Ended politely, it takes its cluster with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        sound = Chaos(given.kills, given.num_configs, given.out, seed, Path(folder)).run()
    bad = "rows were lost, doubled or changed, or a search ended that nobody had killed"
    print("every study ended with the rows of an undisturbed one" if sound else bad)
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
