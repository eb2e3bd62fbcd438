"""The axes of a search space: the range, or the choices, of one free hyperparameter, and its measure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tune_stability.errors import UserError, unknown_name
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES, HYPERPARAMETER_TYPES, Hyperparameters, Value

Scale = Literal["linear", "log"]


@dataclass(frozen=True)
class Axis:
    """The range `[low, high]`, both ends included, of one hyperparameter and the scale in which it is uniform."""

    name: str
    low: float
    high: float
    scale: Scale = "linear"

    def __post_init__(self) -> None:
        kind = _type_of(self.name)
        if kind is bool:
            raise UserError(f"{self.name} is a switch and has no range; give its choices, [true, false].")
        if kind is str:
            raise UserError(f"{self.name} is a name and has no range; give its choices, a list of names.")
        if self.scale not in ("linear", "log"):
            raise unknown_name("scale", str(self.scale), ("linear", "log"))
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise UserError(f"the range of {self.name} must rise, received low={self.low:g}, high={self.high:g}.")
        if self.scale == "log" and self.low <= 0:
            raise UserError(f"{self.name} has a log scale, so low must be above 0, received {self.low:g}.")
        for end in (self.low, self.high):
            if self.is_integer and end != int(end):
                raise UserError(f"{self.name} takes whole numbers, received {end:g}.")
            Hyperparameters().replace(**{self.name: int(end) if self.is_integer else end})

    @property
    def is_integer(self) -> bool:
        return HYPERPARAMETER_TYPES[self.name] is int

    @property
    def values(self) -> tuple[int, ...]:
        """All values of a whole-number axis, rising."""
        return tuple(range(int(self.low), int(self.high) + 1))

    def value(self, u: float) -> float | int:
        """The value at `u` in [0, 1].

        For whole numbers each one gets the share of the scale from half below to half above it, as in Optuna's
        `IntDistribution`, so that every sampler has the same measure.
        """
        low, high = (self.low - 0.5, self.high + 0.5) if self.is_integer else (self.low, self.high)
        if self.scale == "log":
            x = math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        else:
            x = low + u * (high - low)
        x = min(max(x, self.low), self.high)
        return round(x) if self.is_integer else x

    def position(self, x: float) -> float:
        """The place in [0, 1] of the value `x`; the inverse of `value` for real-valued axes."""
        low, high = (self.low - 0.5, self.high + 0.5) if self.is_integer else (self.low, self.high)
        if self.scale == "log":
            return (math.log(x) - math.log(low)) / (math.log(high) - math.log(low))
        return (x - low) / (high - low)

    def stretch(self, x: float) -> tuple[float, float]:
        """Where the part of [0, 1] that stands for the value `x` starts and ends: one place for a real number."""
        half = 0.5 if self.is_integer else 0.0
        return self.position(x - half), self.position(x + half)


@dataclass(frozen=True)
class ChoiceAxis:
    """The choices of one hyperparameter, a name, a switch or a number, each with an equal share of [0, 1].

    Choices that are numbers rise, so that their order in [0, 1] is that of the numbers.
    """

    name: str
    choices: tuple[Value, ...]

    def __post_init__(self) -> None:
        kind = _type_of(self.name)
        for choice in self.choices:
            Hyperparameters().replace(**{self.name: choice})
        if kind is float:
            # A whole number is the same value, as in a recipe.
            object.__setattr__(self, "choices", tuple(float(choice) for choice in self.choices))
        shown = ", ".join(map(str, self.choices)) or "none"
        if len(self.choices) < 2 or len(set(self.choices)) < len(self.choices):
            raise UserError(f"{self.name} needs at least two choices, each given once, received {shown}.")
        if kind in (float, int) and list(self.choices) != sorted(self.choices):
            raise UserError(f"the choices of {self.name} are numbers and must rise, received {shown}.")

    @property
    def values(self) -> tuple[Value, ...]:
        """All values."""
        return self.choices

    @property
    def low(self) -> float:
        """The lowest of choices that are numbers."""
        return float(self.choices[0])

    @property
    def high(self) -> float:
        """The highest of choices that are numbers."""
        return float(self.choices[-1])

    def value(self, u: float) -> Value:
        """The choice at `u` in [0, 1]."""
        place = int(u * len(self.choices))
        return self.choices[min(max(place, 0), len(self.choices) - 1)]

    def position(self, x: Value) -> float:
        """The middle of the share that the choice `x` has. Raises `UserError` if it is no choice."""
        start, end = self.stretch(x)
        return (start + end) / 2

    def stretch(self, x: Value) -> tuple[float, float]:
        """Where the share of the choice `x` starts and ends. Raises `UserError` if it is no choice."""
        if x not in self.choices:
            raise UserError(
                f"{self.name} is {x} in a trial, its choices in this space are {', '.join(map(str, self.choices))}; "
                "take the space that the trials came from."
            )
        place = self.choices.index(x)
        return place / len(self.choices), (place + 1) / len(self.choices)


AnyAxis = Axis | ChoiceAxis


def _type_of(name: str) -> type:
    if name not in HYPERPARAMETER_NAMES:
        raise unknown_name("hyperparameter", name, HYPERPARAMETER_NAMES)
    return HYPERPARAMETER_TYPES[name]
