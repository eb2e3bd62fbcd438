"""Stability at a point: how the scores of one configuration spread over seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tune_stability.errors import UserError


@dataclass(frozen=True)
class Stability:
    """The columns of Table 1 of Mosbach et al. (2020), over the seeds of one configuration.

    `std` has n - 1 in its denominator, and is NaN, with a note, for fewer than two scores. `n` counts completed trials,
    `failed` those that did not succeed, `missing` the trials without a result.
    """

    std: float
    mean: float
    median: float
    max: float
    failed: int
    n: int
    missing: int
    note: str = ""


def stability(scores: ArrayLike, success: ArrayLike) -> Stability:
    """Stability over seeds of scores in the metric's own units.

    `scores` and `success`: shape `(n_seeds,)`. `success` is 1, 0 or NaN (missing, its score is then not used). A
    failed trial without a score (it diverged) counts as failed and is left out of the moments; the note says so.
    Raises `UserError` for arrays of different shape.
    """
    points, wins = np.asarray(scores, dtype=float), np.asarray(success, dtype=float)
    if points.ndim != 1 or points.shape != wins.shape:
        raise UserError(f"scores and success must have one shape (n_seeds,), received {points.shape} and {wins.shape}.")
    completed = ~np.isnan(wins)
    used = points[completed & np.isfinite(points)]
    n, failed = int(completed.sum()), int((wins[completed] == 0).sum())
    missing = int(len(wins) - n)
    notes = []
    if len(used) < n:
        notes.append(f"{n - len(used)} failed trials have no score and are not in the moments.")
    if len(used) < 2:
        notes.append(f"{len(used)} scores show no spread; run at least two seeds.")
    note = " ".join(notes)
    std = float(used.std(ddof=1)) if len(used) > 1 else np.nan
    if len(used) == 0:
        return Stability(std, np.nan, np.nan, np.nan, failed, n, missing, note)
    return Stability(std, float(used.mean()), float(np.median(used)), float(used.max()), failed, n, missing, note)
