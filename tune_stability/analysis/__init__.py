"""Statistics of success arrays, shape `(n_configs, n_seeds)`: pure functions, without torch, Ray or disk."""

from tune_stability.analysis.bands import Band, whole_number_bands
from tune_stability.analysis.basin import Basin, learning_rate_basin
from tune_stability.analysis.compare import ArmSummary, BandComparison, Comparison, Summary, compare, summarize
from tune_stability.analysis.frames import Arms, judge, success_arrays, unit_points
from tune_stability.analysis.interval import Interval
from tune_stability.analysis.region_mean import Design
from tune_stability.analysis.stability import Stability, stability
from tune_stability.analysis.success_rate import success_rate, wilson
from tune_stability.analysis.widening import Widening, widening

__all__ = [
    "ArmSummary",
    "Arms",
    "Band",
    "BandComparison",
    "Basin",
    "Comparison",
    "Design",
    "Interval",
    "Stability",
    "Summary",
    "Widening",
    "compare",
    "judge",
    "learning_rate_basin",
    "stability",
    "success_arrays",
    "success_rate",
    "summarize",
    "unit_points",
    "whole_number_bands",
    "widening",
    "wilson",
]
