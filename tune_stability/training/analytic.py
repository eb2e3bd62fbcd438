"""A trainable whose success region is known in closed form, to test engine, samplers and statistics against the truth.

The probability of success is a trapezoid in `log10(learning_rate)`. Its two edges are linear in
`log10(num_epochs)` and in `warmup_ratio`: longer training lets smaller learning rates succeed, warmup lets larger
ones. Bias correction moves the basin up by 0.55 decades and widens it by half a decade. The shape follows
Mosbach et al. (2020), section 6; the numbers are made up and describe no real model.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import statistics

from tune_stability.axes import AnyAxis, Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.recipes import Recipe
from tune_stability.spaces import SearchSpace
from tune_stability.trials import CurvePoint, GradientPoint, TrialConfig, TrialResult

REFERENCE_LEARNING_RATE = 2e-5
PLATEAU = 0.95
"""Success probability inside the basin; it is 0 outside."""
RAMP = 0.4
"""Width in decades over which the probability climbs from 0 to the plateau; an edge is the middle of its ramp."""

_MAJORITY = 0.5
_CHANCE_LOSS = math.log(2)
_DIVERGES = 0.8
_STEPS_PER_EPOCH = 100


def run_trial(config: TrialConfig) -> TrialResult:
    """Draw the result of one trial.

    Success is a Bernoulli draw with `success_probability`, its uniform number taken from a hash of every
    hyperparameter and the seed. So a trial repeats exactly, and two arms draw independently at the same
    configuration and seed, because at least one hyperparameter differs between them. Model and task play no part.

    A failure is `undertrained` below the basin, `vanishing_gradients` above it, `diverged` far above it, and
    `no_generalization` on the plateau.
    """
    hp = config.hyperparameters
    luck, quality = _uniforms(hp, config.seed)
    steps = _STEPS_PER_EPOCH * hp.num_epochs
    lower, upper = basin_edges(hp)
    x = _decades(hp)
    start, end, loss = 1.0, 0.5, _CHANCE_LOSS
    if luck < success_probability(hp):
        score = 0.6 + 0.35 * quality
        loss, end = 0.25 * (1 - quality) + 0.02, 0.1
    else:
        score = _MAJORITY - 0.1 * max(0.0, quality - 0.5)
        if x >= upper + _DIVERGES:
            loss = end = math.nan
        elif x > upper - RAMP / 2:
            end = 1e-4
        elif x >= lower + RAMP / 2:
            loss, end = 0.05, 0.1
    half = max(steps // 2, 1)
    return TrialResult(
        metric="accuracy",
        score=score,
        majority_score=_MAJORITY,
        best_score=max(score, _MAJORITY),
        best_step=steps if score > _MAJORITY else 0,
        train_loss=loss,
        chance_loss=_CHANCE_LOSS,
        predicted_share=(0.5, 0.5) if score > _MAJORITY else (1.0, 0.0),
        gradient_start=start,
        gradient_end=end,
        steps=steps,
        seconds=0.0,
        device="cpu",
        curve=(
            CurvePoint(0, _CHANCE_LOSS, 0.0, _MAJORITY),
            CurvePoint(half, loss, hp.learning_rate),
            CurvePoint(steps, loss, 0.0, score),
        ),
        gradients=(GradientPoint(0, "lower", start), GradientPoint(steps, "lower", end)),
    )


def success_probability(hyperparameters: Hyperparameters) -> float:
    """The probability, over seeds, that a trial with these hyperparameters succeeds."""
    lower, upper = basin_edges(hyperparameters)
    x = _decades(hyperparameters)
    return PLATEAU * (_ramp(x - lower) - _ramp(x - upper))


def basin_edges(hyperparameters: Hyperparameters) -> tuple[float, float]:
    """Both edges, where the probability is half the plateau, in decades above `REFERENCE_LEARNING_RATE`."""
    return tuple(  # type: ignore[return-value]
        constant + per_epochs * math.log10(hyperparameters.num_epochs) + per_warmup * hyperparameters.warmup_ratio
        for constant, per_epochs, per_warmup in _edge_coefficients(hyperparameters.bias_correction)
    )


def true_success_rate(recipe: Recipe, space: SearchSpace) -> float:
    """The exact mean of `success_probability` over the space's measure; axes replace what the recipe pins.

    Over `num_epochs` it is a sum with the measure that the axis gives each whole number, over choices their mean. The
    trapezoid is a sum of positive parts of functions linear in `log10(learning_rate)` and `warmup_ratio`, whose
    integral over an interval or a rectangle is a difference of powers of positive parts. Axes that the probability does
    not depend on change nothing. Raises `UserError` for a learning rate whose scale is not log, or a warmup whose scale
    is not linear.
    """
    return _rate(recipe.hyperparameters(REFERENCE_LEARNING_RATE), {axis.name: axis for axis in space.axes})


def whole_number_measure(axis: Axis) -> dict[int, float]:
    """The share of an integer axis's measure that each of its values has."""
    stretches = {value: axis.stretch(value) for value in axis.values}
    return {value: end - start for value, (start, end) in stretches.items()}


def _rate(pinned: Hyperparameters, axes: dict[str, AnyAxis]) -> float:
    for name, axis in axes.items():
        if isinstance(axis, ChoiceAxis):
            others = {other: axes[other] for other in axes if other != name}
            return statistics.fmean(_rate(pinned.replace(**{name: choice}), others) for choice in axis.choices)
    return _rate_over_ranges(pinned, {name: axis for name, axis in axes.items() if isinstance(axis, Axis)})


def _rate_over_ranges(pinned: Hyperparameters, axes: dict[str, Axis]) -> float:
    for name, scale in (("learning_rate", "log"), ("warmup_ratio", "linear")):
        if name in axes and axes[name].scale != scale:
            raise UserError(
                f"the exact rate needs {name} on a {scale} scale, received {axes[name].scale}; change it in the space."
            )
    rates = _ends(axes, "learning_rate", pinned.learning_rate)
    x = math.log10(rates[0] / REFERENCE_LEARNING_RATE), math.log10(rates[1] / REFERENCE_LEARNING_RATE)
    warmup = _ends(axes, "warmup_ratio", pinned.warmup_ratio)
    epochs = whole_number_measure(axes["num_epochs"]) if "num_epochs" in axes else {pinned.num_epochs: 1.0}
    total = 0.0
    for sign, (constant, per_epochs, per_warmup) in zip(
        (1, -1), _edge_coefficients(pinned.bias_correction), strict=True
    ):
        for value, share in epochs.items():
            offset = -constant - per_epochs * math.log10(value)
            for half, side in ((RAMP / 2, 1), (-RAMP / 2, -1)):
                mean = _mean_positive_part(offset + half, ((1.0, x), (-per_warmup, warmup)))
                total += sign * side * share * mean / RAMP
    return PLATEAU * total


def _edge_coefficients(bias_correction: bool) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Per edge: constant, change per decade of epochs, change per unit of warmup; all in decades of learning rate."""
    if bias_correction:
        return (-0.5, -0.4, 0.2), (0.7, 0.1, 1.2)
    return (-0.8, -0.4, 0.2), (-0.1, 0.1, 1.2)


def _decades(hyperparameters: Hyperparameters) -> float:
    return math.log10(hyperparameters.learning_rate / REFERENCE_LEARNING_RATE)


def _ramp(t: float) -> float:
    return min(max(t / RAMP + 0.5, 0.0), 1.0)


def _ends(axes: dict[str, Axis], name: str, pinned: float) -> tuple[float, float]:
    return (axes[name].low, axes[name].high) if name in axes else (pinned, pinned)


def _mean_positive_part(offset: float, terms: tuple[tuple[float, tuple[float, float]], ...]) -> float:
    """The mean of `max(offset + sum(slope_j * t_j), 0)` for each `t_j` uniform in its interval.

    Integrating over one `t_j` raises the power of the positive part by one and divides by power and slope.
    """
    varying = []
    for slope, (low, high) in terms:
        if low == high or slope == 0:
            offset += slope * low
        else:
            varying.append((slope, low, high))
    power = 1 + len(varying)
    total = 0.0
    for corner in itertools.product((0, 1), repeat=len(varying)):
        value = offset + sum(term[0] * term[1 + end] for term, end in zip(varying, corner, strict=True))
        total += (-1) ** (len(varying) - sum(corner)) * max(value, 0.0) ** power
    divisor = math.factorial(power) * math.prod(slope * (high - low) for slope, low, high in varying)
    return total / divisor


def _uniforms(hyperparameters: Hyperparameters, seed: int) -> tuple[float, float]:
    """Two independent uniform numbers in [0, 1). Differences from the defaults keep draws when a default is added."""
    text = json.dumps([hyperparameters.differences(), seed], sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    first, second = (int.from_bytes(digest[i : i + 8], "big") >> 11 for i in (0, 8))
    return first * 2.0**-53, second * 2.0**-53
