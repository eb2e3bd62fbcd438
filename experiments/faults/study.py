"""A search as a process of its own, and what its store must hold in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import trainables
from cluster import SETTINGS, kill_tree

from tune_stability.store.location import trial_of

RESULTS = ["trial_id", "recipe", "config_index", "seed", "status", "outcome", "failure_mode", "score", "train_loss"]
HERE = Path(__file__).parent
PATHS = {"PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])}


@dataclass(frozen=True)
class Study:
    """A study of `num_configs` configurations, two recipes and two seeds in a folder of its own."""

    folder: Path
    num_configs: int
    trainable: str = "run_trial"
    options: tuple[str, ...] = ()

    @property
    def num_trials(self) -> int:
        return 4 * self.num_configs

    def start(self, address: str) -> subprocess.Popen[bytes]:
        """The search, on the cluster at that address; what it prints goes to a file beside the study."""
        with open(self.folder.with_suffix(".log"), "ab") as log:
            return subprocess.Popen(
                self._command("--address", address, *self.options),
                env=os.environ | SETTINGS | PATHS,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def undisturbed(self, folder: Path) -> pd.DataFrame:
        """The results of the same trials by a search without Ray that nobody disturbs."""
        environment = os.environ | PATHS
        environment.pop(trainables.FOLDER, None)
        command = self._command("--executor", "local", "--out", str(folder))
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        return rows_in_files(folder)

    def num_stored(self) -> int:
        """How many trials have a file."""
        trials = self.folder / "trials"
        return len(list(trials.glob("*.parquet"))) if trials.is_dir() else 0

    def stored_twice(self, but_for: Collection[str] = ()) -> int:
        """How many trials, but for those with a fault of their own, have more files than one before they are merged."""
        files = Counter(filter(None, map(trial_of, map(str, (self.folder / "trials").glob("[!.]*.parquet")))))
        return sum(count > 1 for trial, count in files.items() if trial not in but_for)

    def log(self) -> list[dict[str, Any]]:
        """The events that its searches have logged, in order."""
        log = self.folder / "search.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def workers(self) -> set[str]:
        """The workers that have run trials."""
        # Of a trial that was taken from the store after a death it is not known.
        return {event["worker"] for event in self.log() if event["event"] == "trial_ended" and event["worker"]}

    def events(self) -> dict[str, int]:
        """How often the log has which event."""
        return dict(Counter(event["event"] for event in self.log()))

    def _command(self, *arguments: str) -> list[str]:
        what = ["--trainable", f"trainables:{self.trainable}", "--model", "analytic/x", "--task", "none"]
        size = ["--space", "wide", "--num-configs", str(self.num_configs), "--seeds", "2"]
        out = [] if "--out" in arguments else ["--out", str(self.folder)]
        return [sys.executable, "-m", "tune_stability.search", *what, *size, *out, *arguments]


def kill_search(search: subprocess.Popen[bytes]) -> None:
    """SIGKILL, to all of it."""
    kill_tree(search)


def rows_in_files(folder: Path) -> pd.DataFrame:
    """Every row of every file of trials: `load_results` would leave out a second one of a trial."""
    files = sorted((folder / "trials").glob("[!.]*.parquet"))
    return pd.concat([pd.read_parquet(file, columns=RESULTS) for file in files], ignore_index=True)


def differences(rows: pd.DataFrame, expected: pd.DataFrame) -> dict[str, int]:
    """How many trials are lost, foreign, twice there or changed, to the last bit."""
    ids, wanted = rows["trial_id"], set(expected["trial_id"])
    one = rows.drop_duplicates("trial_id").set_index("trial_id").sort_index()
    both = one.index.intersection(expected["trial_id"])
    other = expected.set_index("trial_id").loc[both]
    one, other = one.loc[both], other[one.columns]
    changed = ((one != other) & ~(one.isna() & other.isna())).any(axis=1)
    return {
        "rows": len(rows),
        "lost": len(wanted - set(ids)),
        "foreign": len(set(ids) - wanted),
        "duplicated": int(ids.duplicated().sum()),
        "changed": int(changed.sum()),
    }
