"""When the learning rate is what, and at which steps a run is recorded and evaluated."""

from __future__ import annotations

import math

import numpy as np

MAX_RECORDED_STEPS = 40
MAX_EVALUATIONS = 5


def learning_rate(step: int, total_steps: int, warmup_ratio: float, peak: float, shape: str = "linear") -> float:
    """The rate used by step `step` (the first is 0) under linear warmup, and what `shape` says after it.

    `linear` and `cosine` (half a period of it) fall to zero, `constant` stays: the three that the paper's
    implementation has, by the formulas of `transformers`. The warmup takes `ceil(warmup_ratio * total_steps)` steps, as
    in `transformers.TrainingArguments`. Under warmup the first step has rate 0, as in the paper's implementation.
    """
    warmup = math.ceil(warmup_ratio * total_steps)
    if step < warmup:
        return peak * step / warmup
    if shape == "constant":
        return peak
    if shape == "cosine":
        progress = (step - warmup) / max(1, total_steps - warmup)
        return peak * max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))
    return peak * max(0.0, (total_steps - step) / max(1, total_steps - warmup))


def recorded_steps(total_steps: int) -> list[int]:
    """At most `MAX_RECORDED_STEPS` steps in [0, total_steps), dense at the start and with the last one."""
    half = MAX_RECORDED_STEPS // 2
    dense = np.geomspace(1, total_steps, half) - 1
    even = np.linspace(0, total_steps - 1, half)
    return sorted({round(step) for step in (*dense, *even)})


def evaluated_steps(total_steps: int, steps_per_epoch: int) -> list[int]:
    """At most `MAX_EVALUATIONS` steps in [0, total_steps) after which a run is evaluated, the last one among them.

    They are evenly spaced ends of epochs; a run that is no whole number of epochs has evenly spaced steps.
    """
    unit = 1 if total_steps % steps_per_epoch else steps_per_epoch
    units = total_steps // unit
    return sorted({round(k) * unit - 1 for k in np.linspace(0, units, min(units, MAX_EVALUATIONS) + 1)[1:]})
