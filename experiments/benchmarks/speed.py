"""How long a store takes to read and two recipes to compare, up to a million trials, and in how much memory.

    python experiments/benchmarks/speed.py [--output results/benchmarks/speed.parquet]

Every size is measured in a process of its own, three times, on one core. The trials are simulated from a success
probability along the learning rate; the store has the schema and the columns of a real, compacted one.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

SIZES = (10_000, 100_000, 1_000_000)
N_SEEDS = 5
RECIPES = ("devlin", "stable")
RESAMPLES = 10_000
COLUMNS = (
    "recipe",
    "config_index",
    "source",
    "replicate",
    "seed",
    "status",
    "score",
    "majority_score",
    "failure_mode",
    "learning_rate",
    "warmup_ratio",
    "num_epochs",
)
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    """Make the stores, measure, write and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/speed.parquet"))
    parser.add_argument("--measure", type=Path, help="measure this store and print the result (used by itself)")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n_trials in SIZES:
            store = Path(folder, str(n_trials))
            make_store(store, n_trials)
            for repeat in range(3):
                command = [sys.executable, __file__, "--measure", str(store)]
                alone = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
                found = subprocess.run(command, check=True, capture_output=True, text=True, env=alone)
                rows.append({"n_trials": n_trials, "repeat": repeat, **json.loads(found.stdout), **machine()})
                print(rows[-1], flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows)
    table.to_parquet(options.output, index=False)
    print(table.groupby("n_trials")[["load_seconds", "compare_seconds", "peak_mib"]].median().to_string())


def machine() -> dict[str, object]:
    """Where it was measured."""
    return {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count(), "python": sys.version[:6]}


def measure(store: Path) -> dict[str, float]:
    """Seconds to load and to compare on one core, and the most memory used, in MiB."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    from tune_stability import load_results
    from tune_stability.analysis import compare
    from tune_stability.store import read_study

    space = read_study(str(store)).space
    start = time.process_time(), time.perf_counter()
    frame = load_results(store, columns=COLUMNS)
    middle = time.process_time(), time.perf_counter()
    compare(frame, *RECIPES, space, n_resamples=RESAMPLES)
    end = time.process_time(), time.perf_counter()
    return {
        "load_seconds": middle[0] - start[0],
        "load_wall_seconds": middle[1] - start[1],
        "compare_seconds": end[0] - middle[0],
        "compare_wall_seconds": end[1] - middle[1],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def make_store(store: Path, n_trials: int) -> None:
    """A compacted store of simulated trials."""
    from tune_stability.options import SearchOptions
    from tune_stability.planning import study_spec
    from tune_stability.sampling.designs import design_points
    from tune_stability.store.schema import arrow_schema
    from tune_stability.store.writer import parquet

    n_configs = n_trials // (N_SEEDS * len(RECIPES))
    spec = study_spec(SearchOptions(out=str(store), num_configs=n_configs, seeds=N_SEEDS, recipes=",".join(RECIPES)))
    (store / "trials").mkdir(parents=True)
    (store / "study.json").write_text(spec.to_json())
    points = design_points("sobol", n_configs, len(spec.space.axes), 0, replicates=spec.replicates)
    axes = {axis.name: [axis.value(u) for u in points[:, j]] for j, axis in enumerate(spec.space.axes)}
    rng = np.random.default_rng(0)
    index = np.arange(n_trials) // (N_SEEDS * len(RECIPES))
    recipe = np.arange(n_trials) % len(RECIPES)
    middle = 0.45 + 0.1 * recipe
    probability = 1 / (1 + np.exp(30 * (np.abs(points[index, 0] - middle) - 0.1 - 0.05 * recipe)))
    succeeded = rng.random(n_trials) < probability
    schema = arrow_schema("trials")
    known = {
        "trial_id": [f"{k:020x}" for k in range(n_trials)],
        "recipe": np.array(RECIPES)[recipe],
        "config_index": index,
        "replicate": index % spec.replicates,
        "source": np.full(n_trials, "design"),
        "seed": index * N_SEEDS + np.arange(n_trials) // len(RECIPES) % N_SEEDS,
        "status": np.full(n_trials, "completed"),
        "outcome": np.where(succeeded, "success", "failed"),
        "failure_mode": np.where(succeeded, None, "vanishing_gradients"),
        "score": np.where(succeeded, 0.3 + 0.1 * rng.random(n_trials), 0.0),
        "best_score": np.where(succeeded, 0.4, 0.0),
        "majority_score": np.zeros(n_trials),
        "started_at": np.full(n_trials, datetime(2026, 1, 1, tzinfo=UTC)),
        **{name: np.asarray(values)[index] for name, values in axes.items()},
    }
    defaults = dataclasses.asdict(spec.hyperparameters(spec.recipes[0]))
    arrays = []
    for field in schema:
        values = known.get(field.name, defaults.get(field.name))
        if values is None:
            fill = "x" if pa.types.is_string(field.type) else None if field.nullable else 0
            arrays.append(pa.repeat(pa.scalar(fill, field.type), n_trials))
        elif np.ndim(values) == 0:
            arrays.append(pa.repeat(pa.scalar(values, field.type), n_trials))
        else:
            arrays.append(pa.array(values, field.type, from_pandas=True))
    (store / "trials" / "all.parquet").write_bytes(parquet(pa.Table.from_arrays(arrays, schema=schema)))


if __name__ == "__main__":
    main()
