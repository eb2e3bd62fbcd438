"""Statistics of successes and scores by configuration and seed: pure functions, without torch, Ray or disk."""

from tune_stability.analysis.arms import ArmSummary
from tune_stability.analysis.attribution import Attribution, attribution
from tune_stability.analysis.bands import Band, whole_number_bands
from tune_stability.analysis.basin import Basin, learning_rate_basin
from tune_stability.analysis.binomial import blaker
from tune_stability.analysis.budget import needed_at, seeds_needed, trials_needed
from tune_stability.analysis.calibration import Calibration, ReliabilityBin, calibrate
from tune_stability.analysis.compare import BandComparison, Comparison, Summary, compare, summarize
from tune_stability.analysis.expected_best import expected_best, expected_bests
from tune_stability.analysis.factorial import Factorial, attribute_widening, find_factorial
from tune_stability.analysis.frames import Arms, judge, success_arrays
from tune_stability.analysis.importance import importance
from tune_stability.analysis.interval import Interval
from tune_stability.analysis.prediction_powered import Rows, prediction_powered_rate, prediction_powered_widening
from tune_stability.analysis.region import region_at, regions_at
from tune_stability.analysis.region_mean import Design
from tune_stability.analysis.seed_arrays import seed_arrays
from tune_stability.analysis.sensitivity import learning_rate_sensitivity
from tune_stability.analysis.sequential import Look, last_look, look_level, look_sizes, take_look
from tune_stability.analysis.slices import Slice, slice_along
from tune_stability.analysis.stability import Stability, stability
from tune_stability.analysis.success_curve import SuccessCurve, success_curve
from tune_stability.analysis.success_rate import success_rate, wilson
from tune_stability.analysis.surface import Surface, fit_surface
from tune_stability.analysis.unit_cube import unit_points
from tune_stability.analysis.variance import Component, VarianceSplit, variance_split
from tune_stability.analysis.widening import Widening, widening

__all__ = [
    "ArmSummary",
    "Arms",
    "Attribution",
    "Band",
    "BandComparison",
    "Basin",
    "Calibration",
    "Comparison",
    "Component",
    "Design",
    "Factorial",
    "Interval",
    "Look",
    "ReliabilityBin",
    "Rows",
    "Slice",
    "Stability",
    "SuccessCurve",
    "Summary",
    "Surface",
    "VarianceSplit",
    "Widening",
    "attribute_widening",
    "attribution",
    "blaker",
    "calibrate",
    "compare",
    "expected_best",
    "expected_bests",
    "find_factorial",
    "fit_surface",
    "importance",
    "judge",
    "last_look",
    "learning_rate_basin",
    "learning_rate_sensitivity",
    "look_level",
    "look_sizes",
    "needed_at",
    "prediction_powered_rate",
    "prediction_powered_widening",
    "region_at",
    "regions_at",
    "seed_arrays",
    "seeds_needed",
    "slice_along",
    "stability",
    "success_arrays",
    "success_curve",
    "success_rate",
    "summarize",
    "take_look",
    "trials_needed",
    "unit_points",
    "variance_split",
    "whole_number_bands",
    "widening",
    "wilson",
]
