"""How many trials the sampler boundary and a Sobol design need to know the success region and its rate to +-.02.

    python experiments/benchmarks/boundary.py [--repeats 3] [--output results/benchmarks/boundary.parquet]

A trial is one configuration with one seed. Both methods are looked at after the same numbers of trials. The region is
judged by the same fitted surface: the share of the space on which `probability >= 1/2` is wrong. The rate is the plain
mean of the Sobol design, and for the sampler boundary the prediction-powered estimate from its design and adaptive
rows. The Sobol design is one scramble, which fills the space best; the design rows of the sampler boundary are
those of a study, of eight. One row per surface, method, repeat and look. The script goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

# The matrices are small: a second thread would only get in the way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from boundary_surfaces import Array, Surface, make_surfaces
from scipy.stats import qmc

from tune_stability.analysis.prediction_powered import Rows, prediction_powered_rate
from tune_stability.analysis.surface import fit_surface
from tune_stability.options import SearchOptions
from tune_stability.sampling import optuna_samplers
from tune_stability.sampling.boundary import BoundarySampler
from tune_stability.sampling.designs import design_points
from tune_stability.sampling.enumeration import DESIGN_EVERY
from tune_stability.sampling.lookahead import Latent, straddle

LOOKS = [round(8 * 2 ** (i / 3)) for i in range(20)]
CLOSE, IN_A_ROW = 0.02, 3
MOST = {"sobol": 512, "boundary": 256, "straddle": 256}
AT_LEAST = 64
"""A run goes on so far even if the region is known, to see more of the rate."""
REPLICATES = SearchOptions().replicates
_PLACES = 1024


class Straddle(BoundarySampler):
    """The alternative: the straddle heuristic alone (Bryan et al. 2005), with the same candidates and posterior."""

    def choose(self, latents: Sequence[Latent], candidates: Array, reference: Array) -> int:
        return int(np.argmax(straddle(latents[0], candidates)))


def main() -> None:
    """Measure what is missing, write it, and print the trials needed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--methods", default="sobol,boundary")
    parser.add_argument("--surfaces", default=",".join(surface.name for surface in make_surfaces()))
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/boundary.parquet"))
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    table = pd.read_parquet(options.output) if options.output.exists() else pd.DataFrame()
    done = set() if table.empty else set(zip(table["surface"], table["method"], table["repeat"], strict=True))
    chosen = [surface for surface in make_surfaces() if surface.name in options.surfaces.split(",")]
    for repeat in range(options.repeats):
        for surface in chosen:
            for method in options.methods.split(","):
                if (surface.name, method, repeat) in done:
                    continue
                started = time.perf_counter()
                rows = pd.DataFrame(list(run(surface, method, repeat)))
                table = pd.concat([table, rows], ignore_index=True)
                table.to_parquet(options.output, index=False)
                print(surface.name, method, repeat, f"{time.perf_counter() - started:.0f} s", flush=True)


def run(surface: Surface, method: str, repeat: int) -> Iterator[dict[str, object]]:
    """One study, looked at until the region has been close often enough or the trials are used up."""
    n_axes = len(surface.space.axes)
    places = snapped(surface, qmc.Sobol(n_axes, scramble=True, rng=7).random(_PLACES))
    truth = surface.probability(places)
    rng = np.random.default_rng([repeat, 1])
    replicates = 1 if method == "sobol" else REPLICATES
    points, won = np.empty((0, n_axes)), np.empty(0)
    design = snapped(surface, design_points("sobol", MOST[method], n_axes, repeat, (), replicates))
    asked = None if method == "sobol" else optuna_samplers.AskTell(surface.space, "boundary", repeat, [])
    if asked is not None and method == "straddle":
        asked._memory.study.sampler = Straddle(surface.space, seed=repeat)
    close = 0
    for n in (look for look in LOOKS if look <= MOST[method]):
        while len(won) < n:
            index = len(won)
            point = design[index]
            if asked is not None and index % DESIGN_EVERY == 0:
                point = design[index // DESIGN_EVERY]
                asked.place(index, surface.space.configuration(point))
            elif asked is not None:
                point = np.array(surface.space.point(asked.propose(index)))
            success = float(rng.random() < surface.probability(point[None])[0])
            if asked is not None:
                asked.tell(index, {"stable": (int(success), 1)})
            points, won = np.concatenate([points, point[None]]), np.append(won, success)
        fitted = fit_surface(won[:, None], points)
        predicted = fitted.probability(places)
        error = float(((predicted >= 0.5) != (truth >= 0.5)).mean())
        yield {
            "surface": surface.name,
            "n_axes": n_axes,
            "method": method,
            "repeat": repeat,
            "n_trials": n,
            "region_error": error,
            "true_rate": float(truth.mean()),
            "surface_rate": float(predicted.mean()),
            "rate": float(won.mean()) if asked is None else prediction_powered(points, won),
        }
        close = close + 1 if error <= CLOSE else 0
        if close >= IN_A_ROW and n >= AT_LEAST:
            return


def snapped(surface: Surface, points: Array) -> Array:
    """The points at which configurations lie: in the middle of a whole number's share."""
    return np.array([surface.space.point(surface.space.configuration(point)) for point in points])


def prediction_powered(points: Array, won: Array) -> float:
    """The rate from design rows, every fourth, and adaptive rows, the others."""
    of_design = np.arange(len(won)) % DESIGN_EVERY == 0
    design, adaptive = (Rows.of(won[rows, None], points[rows]) for rows in (of_design, ~of_design))
    return prediction_powered_rate(design, adaptive, replicate=np.arange(of_design.sum()) % REPLICATES).estimate


if __name__ == "__main__":
    main()
