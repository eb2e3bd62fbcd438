"""How long the page of 10,000 trials takes to write and to open, and how large it is.

    python experiments/benchmarks/report.py [--output results/benchmarks/report.parquet]

The trials are those of the analytic trainable: 1,000 configurations of the space wide by 5 seeds by 2 recipes, run once
(some minutes), then written three times in processes of their own on one core. Opening is timed in Chromium, from
the request to the first screen drawn, and so is the switch of the rule.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from playwright.sync_api import sync_playwright

SEARCH = (
    *(sys.executable, "-m", "tune_stability.search", "--executor", "local", "--space", "wide", "--model", "analytic/a"),
    *("--task", "none", "--trainable", "tune_stability.training.analytic:run_trial"),
)
N_CONFIGS, N_SEEDS = 1000, 5
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
WRITE = """
import json, resource, sys, time
started, cpu = time.perf_counter(), time.process_time()
from tune_stability.page import render_page
from tune_stability.outcomes import SuccessRule
from tune_stability.report import RULES
from tune_stability.reporting import study_views
page = render_page([study_views(sys.argv[1], [SuccessRule.parse(rule) for rule in RULES])])
seconds = {"write_seconds": time.process_time() - cpu, "write_wall_seconds": time.perf_counter() - started}
open(sys.argv[2], "w").write(page)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({**seconds, "page_mb": len(page.encode()) / 1e6, "peak_mib": peak}))
"""
SHOWN = "() => document.querySelector('#answer .part:not([hidden]) .picture .mlayer')"


def main() -> None:
    """Make the store, write the page, open it; write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/report.parquet"))
    parser.add_argument("--store", help="a store to use in place of making one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, page = options.store or f"{folder}/study", f"{folder}/report.html"
        if options.store is None:
            sizes = ("--num-configs", str(N_CONFIGS), "--seeds", str(N_SEEDS))
            subprocess.run([*SEARCH, *sizes, "--out", store], check=True, stdout=subprocess.DEVNULL)
        rows = [{"repeat": repeat, **written(store, page), **seen(page)} for repeat in range(3)]
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    table = pd.DataFrame(rows).assign(n_trials=2 * N_CONFIGS * N_SEEDS, **machine)
    table.to_parquet(options.output, index=False)
    print(table.drop(columns=list(machine)).round(2).to_string(index=False))


def written(store: str, page: str) -> dict[str, float]:
    """Seconds of processor and wall time, megabytes of the page, and MiB of memory."""
    alone = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
    done = subprocess.run(
        [sys.executable, "-c", WRITE, store, page], check=True, capture_output=True, text=True, env=alone
    )
    return dict(json.loads(done.stdout))


def seen(file: str) -> dict[str, float]:
    """Seconds until the first screen's words are there, its picture too, and both anew by another rule."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        opening = time.perf_counter()
        page.goto(Path(file).as_uri())
        page.wait_for_function(SHOWN)
        opened = time.perf_counter()
        page.locator("input[name=rule]").nth(1).check(force=True)
        page.wait_for_function(SHOWN)
        switched = time.perf_counter()
        painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
        browser.close()
    return {"words_seconds": painted, "open_seconds": opened - opening, "switch_seconds": switched - opened}


if __name__ == "__main__":
    main()
