"""What a trial costs beyond its training: a study of the analytic trainable, whose trials take no time themselves.

    python experiments/benchmarks/bookkeeping.py

Runs a search of 20,000 trials on Ray on this machine and follows its log and the memory of its process. For each
thousand trials, how long they took and how much memory the search had then is `results/benchmarks/bookkeeping.parquet`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pandas as pd

THOUSAND = 1000
ANALYTIC = ["--trainable", "tune_stability.training.analytic:run_trial", "--model", "analytic/x", "--task", "none"]


def main() -> None:
    parser = argparse.ArgumentParser(description="The cost of bookkeeping per trial, and the memory of the search.")
    parser.add_argument("--trials", type=int, default=20 * THOUSAND, help="how many; four a configuration")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/bookkeeping.parquet"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bookkeeping-") as folder:
        seconds, memory = run(Path(folder) / "study", given.trials)
        table = by_thousands(Path(folder) / "study" / "search.jsonl", memory)
    table["total_seconds"], table["trials"], table["cores"] = seconds, given.trials, os.cpu_count()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(given.out)
    print(table.round(2).to_string())
    print(summary(table))


def run(study: Path, trials: int) -> tuple[float, pd.DataFrame]:
    """The seconds of the whole search, and the megabytes of its process at times, in seconds since the epoch."""
    size = ["--space", "wide", "--num-configs", str(trials // 4), "--seeds", "2", "--out", str(study)]
    samples = []
    started = time.monotonic()
    search = subprocess.Popen([sys.executable, "-m", "tune_stability.search", *ANALYTIC, *size])
    while search.poll() is None:
        samples.append((time.time(), resident_megabytes(search.pid)))
        time.sleep(0.5)
    if search.returncode:
        sys.exit(f"the search ended with exit code {search.returncode}")
    return time.monotonic() - started, pd.DataFrame(samples, columns=["time", "megabytes"]).dropna()


def resident_megabytes(pid: int) -> float | None:
    """What a process keeps in memory; None once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    lines = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(lines[0].split()[1]) / 1024 if lines else None


def by_thousands(log: Path, memory: pd.DataFrame) -> pd.DataFrame:
    """For each thousand trials that ended: milliseconds a trial, and the search's memory at their end."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    ends = [datetime.fromisoformat(event["time"]).timestamp() for event in events if event["event"] == "trial_ended"]
    marks = [ends[0], *ends[THOUSAND - 1 :: THOUSAND]]
    rows = []
    for number, (start, end) in enumerate(pairwise(marks), start=1):
        then = memory.loc[memory["time"] <= end, "megabytes"].iloc[-1]
        rows.append({"ended": number * THOUSAND, "ms_per_trial": 1000 * (end - start) / THOUSAND, "megabytes": then})
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame) -> str:
    """The figures that README quotes."""
    first, last = table["ms_per_trial"].iloc[0], table["ms_per_trial"].iloc[-1]
    settled = table[table["ended"] >= 2 * THOUSAND]
    grown = settled["megabytes"].iloc[-1] - settled["megabytes"].iloc[0]
    per_ten_thousand = grown * 10 * THOUSAND / (settled["ended"].iloc[-1] - settled["ended"].iloc[0])
    total = 1000 * table["total_seconds"].iloc[0] / table["trials"].iloc[0]
    return (
        f"{total:.1f} ms a trial end to end; {first:.1f} ms in the first thousand, {last:.1f} in the last, "
        f"median {table['ms_per_trial'].median():.1f}; memory grows by {per_ten_thousand:.0f} MB per 10,000"
    )


if __name__ == "__main__":
    main()
