"""How often the 95 % interval of the region at tau covers the truth, and how the fitted surface and its band do.

    python experiments/coverage/region.py [--minutes 20] [--output results/coverage/region.parquet]

Every study draws its own Sobol design of eight replicates and its own seeds. A row per surface, size and tau. A cell
that the table has already is not run again, so the command can be stopped and given again.
"""

from __future__ import annotations

import argparse
import time
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special, stats
from surfaces import Surface, draw, make_surfaces

from tune_stability.analysis.region import regions_at
from tune_stability.analysis.surface import fit_surface

LEVEL = 0.95
TAUS = (0.1, 0.3, 0.5, 0.7, 0.9)
STUDIES = {(16, 3): 16, (64, 3): 16, (16, 1): 16, (64, 1): 16, (256, 3): 6, (32, 3): 16, (128, 3): 10, (256, 1): 6}
STUDIES |= {(32, 1): 16, (16, 5): 16, (32, 5): 16, (64, 5): 16, (128, 1): 10, (128, 5): 10, (256, 5): 6}
"""Studies per surface, by configurations and seeds, in the order in which they are run."""


def main() -> None:
    """Measure until the time is up, write after every cell, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--output", type=Path, default=Path("results/coverage/region.parquet"))
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    warnings.filterwarnings("ignore", message="The balance properties of Sobol")
    table = pd.read_parquet(options.output) if options.output.exists() else pd.DataFrame()
    done = set() if table.empty else set(zip(table["surface"], table["n_configs"], table["n_seeds"], strict=True))
    # Where the probability is one half everywhere, the region at that tau is all or nothing.
    surfaces = [surface for surface in make_surfaces() if surface.name != "half everywhere 3d"]
    for (n_configs, n_seeds), studies in STUDIES.items():
        for surface in surfaces:
            if (surface.name, n_configs, n_seeds) in done or time.monotonic() > end:
                continue
            table = pd.concat([table, pd.DataFrame(list(measure(surface, n_configs, n_seeds, studies)))])
            options.output.parent.mkdir(parents=True, exist_ok=True)
            table.to_parquet(options.output, index=False)
            print(f"{surface.name}, {n_configs} by {n_seeds} done", flush=True)
    for value in ("coverage", "mean_width"):
        wide = table.pivot_table(index=["tau", "surface"], columns=["n_configs", "n_seeds"], values=value)
        print(f"\n{value}\n{wide.round(2).to_string(na_rep='')}")


def measure(surface: Surface, n_configs: int, n_seeds: int, studies: int) -> Iterator[dict[str, object]]:
    """The rows of one cell."""
    cell = f"{surface.name} {n_configs} {n_seeds}"
    rng = np.random.default_rng(zlib.crc32(cell.encode()))
    places, _ = draw("one scramble", 4096, surface.n_axes, rng)
    p = surface.probability(places)
    few = slice(0, 512)
    quantile = stats.norm.ppf(0.5 + LEVEL / 2)
    found, losses, covered = [], [], []
    for _ in range(studies):
        points, _ = draw("sobol", n_configs, surface.n_axes, rng)
        success = (rng.random((n_configs, n_seeds)) < surface.probability(points)[:, None]).astype(float)
        fitted = fit_surface(success, points)
        found.append([(one.estimate, one.low, one.high) for one in regions_at(fitted, TAUS, rng, level=LEVEL)])
        mean, sd = fitted.latent(places[few])
        losses.append(np.abs(fitted.probability(places[few]) - p[few]).mean())
        # To the precision of the picture: a probability of 0 or 1 is never inside a band on the logit.
        low, high = special.expit(mean - quantile * sd) - 0.01, special.expit(mean + quantile * sd) + 0.01
        covered.append(((low <= p[few]) & (p[few] <= high)).mean())
    for tau, values in zip(TAUS, np.moveaxis(np.array(found), 1, 0), strict=True):
        estimate, low, high = values.T
        truth = float((p >= tau).mean())
        # What 4096 points cannot tell is not held against an interval.
        slack = 0.5 * 4096 ** (-2 / 3) if 0 < truth < 1 else 0.0
        yield {
            "surface": surface.name,
            "n_axes": surface.n_axes,
            "tau": tau,
            "truth": truth,
            "n_configs": n_configs,
            "n_seeds": n_seeds,
            "studies": studies,
            "coverage": float(((low - slack <= truth) & (truth <= high + slack)).mean()),
            "truth_below": float((truth < low - slack).mean()),
            "truth_above": float((truth > high + slack).mean()),
            "mean_width": float((high - low).mean()),
            "bias": float(estimate.mean() - truth),
            "sd_estimate": float(estimate.std(ddof=1)),
            "surface_error": float(np.mean(losses)),
            "band_coverage": float(np.mean(covered)),
            "level": LEVEL,
        }


if __name__ == "__main__":
    main()
