"""The figures for print that a report leaves in a folder, by file name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from matplotlib.figure import Figure

from tune_stability.plots.arm_figures import attribution, importance, rates
from tune_stability.plots.failure_figures import ends, failure_modes, gradients
from tune_stability.plots.region_figures import basin, region, slices
from tune_stability.plots.score_figures import expected_best, scores, scores_by_rate
from tune_stability.views import StudyView

COLLECTION: Mapping[str, Callable[[StudyView], Figure | None]] = MappingProxyType(
    {
        "success-rates": rates,
        "region": region,
        "slices": slices,
        "basin": basin,
        "scores": scores,
        "scores-by-learning-rate": scores_by_rate,
        "expected-best": expected_best,
        "attribution": attribution,
        "failure-modes": failure_modes,
        "gradient-norms": gradients,
        "score-against-loss": ends,
        "importance": importance,
    }
)
"""What draws each figure; it returns None if the study has nothing to show there."""
