"""Statistics of successes and scores by configuration and seed: pure functions, without torch, Ray or disk."""

from tune_stability.analysis.bands import Band, whole_number_bands
from tune_stability.analysis.basin import Basin, learning_rate_basin
from tune_stability.analysis.binomial import blaker
from tune_stability.analysis.budget import needed_at, seeds_needed, trials_needed
from tune_stability.analysis.compare import ArmSummary, BandComparison, Comparison, Summary, compare, summarize
from tune_stability.analysis.expected_best import expected_best
from tune_stability.analysis.frames import Arms, judge, success_arrays, unit_points
from tune_stability.analysis.interval import Interval
from tune_stability.analysis.prediction_powered import Rows, prediction_powered_rate, prediction_powered_widening
from tune_stability.analysis.region_mean import Design
from tune_stability.analysis.seed_arrays import seed_arrays
from tune_stability.analysis.sensitivity import learning_rate_sensitivity
from tune_stability.analysis.stability import Stability, stability
from tune_stability.analysis.success_rate import success_rate, wilson
from tune_stability.analysis.variance import Component, VarianceSplit, variance_split
from tune_stability.analysis.widening import Widening, widening

__all__ = [
    "ArmSummary",
    "Arms",
    "Band",
    "BandComparison",
    "Basin",
    "Comparison",
    "Component",
    "Design",
    "Interval",
    "Rows",
    "Stability",
    "Summary",
    "VarianceSplit",
    "Widening",
    "blaker",
    "compare",
    "expected_best",
    "judge",
    "learning_rate_basin",
    "learning_rate_sensitivity",
    "needed_at",
    "prediction_powered_rate",
    "prediction_powered_widening",
    "seed_arrays",
    "seeds_needed",
    "stability",
    "success_arrays",
    "success_rate",
    "summarize",
    "trials_needed",
    "unit_points",
    "variance_split",
    "whole_number_bands",
    "widening",
    "wilson",
]
