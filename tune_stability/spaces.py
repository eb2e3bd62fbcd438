"""Search spaces: the ranges of the free hyperparameters, and with their scales a measure.

A point of the unit cube becomes a configuration by each axis's quantile function, so a design that is uniform
in the cube is uniform in the scale of every axis (log for the learning rate).
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tune_stability.errors import UserError, unknown_name
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES, HYPERPARAMETER_TYPES, Hyperparameters

Configuration = Mapping[str, float | int]
Scale = Literal["linear", "log"]


@dataclass(frozen=True)
class Axis:
    """The range `[low, high]`, both ends included, of one hyperparameter and the scale in which it is uniform."""

    name: str
    low: float
    high: float
    scale: Scale = "linear"

    def __post_init__(self) -> None:
        if self.name not in HYPERPARAMETER_NAMES:
            raise unknown_name("hyperparameter", self.name, HYPERPARAMETER_NAMES)
        if HYPERPARAMETER_TYPES[self.name] in (bool, str):
            raise UserError(f"{self.name} is a switch and cannot be an axis; make it a difference between recipes.")
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


@dataclass(frozen=True)
class SearchSpace:
    """A named product of axes."""

    name: str
    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        if not names:
            raise UserError(f"the search space {self.name!r} has no axis; give at least one, such as learning_rate.")
        if len(set(names)) != len(names):
            raise UserError(f"the search space {self.name!r} names an axis twice: {', '.join(names)}.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    def configuration(self, point: Sequence[float]) -> dict[str, float | int]:
        """The configuration at a point of the unit cube, of shape `(n_axes,)`."""
        return {axis.name: axis.value(float(u)) for axis, u in zip(self.axes, point, strict=True)}

    def point(self, configuration: Configuration) -> list[float]:
        """The point of the unit cube, of shape `(n_axes,)`, at which a configuration lies."""
        return [axis.position(configuration[axis.name]) for axis in self.axes]


SPACE_NAMES = ("lr", "narrow", "wide")


def get_space(name: str, reference_learning_rate: float) -> SearchSpace:
    """A built-in space around a model's reference learning rate, or the one in a TOML file.

    `wide` spans 3.5 decades of learning rate, so that both edges of the basin lie inside; `lr` spans the same
    decades with the rest as the recipe has it; `narrow` spans what the paper's section 3 tries, which is
    1e-5 to 5e-5 for a reference rate of 2e-5.
    """
    if name.endswith(".toml"):
        return load_space(Path(name))
    rate = reference_learning_rate
    decades = Axis("learning_rate", rate * 10**-1.75, rate * 10**1.75, "log")
    if name == "lr":
        return SearchSpace("lr", (decades,))
    if name == "narrow":
        close = Axis("learning_rate", rate / 2, rate * 2.5, "log")
        return SearchSpace("narrow", (close, Axis("warmup_ratio", 0.0, 0.2), Axis("num_epochs", 3, 20, "log")))
    if name == "wide":
        return SearchSpace("wide", (decades, Axis("warmup_ratio", 0.0, 0.3), Axis("num_epochs", 1, 20, "log")))
    raise unknown_name("search space", name, [*SPACE_NAMES, "FILE.toml"])


def load_space(path: Path) -> SearchSpace:
    """Read a space from TOML: an optional `name`, and per axis a table `[axes.NAME]` with `low`, `high`, `scale`."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no search space at {str(path)!r}; give a file or one of {', '.join(SPACE_NAMES)}.") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not a readable TOML file: {error}.") from None
    for key in table:
        if key not in ("name", "axes"):
            raise unknown_name(f"key in {path}:", key, ("name", "axes"))
    return space_from_dict({"name": path.stem, **table}, origin=str(path))


def space_from_dict(table: Mapping[str, Any], origin: str) -> SearchSpace:
    """The space that `space_to_dict` wrote. `origin` names the source in errors."""
    axes = table.get("axes")
    if not isinstance(axes, Mapping):
        raise UserError(f"{origin} has no table [axes.NAME]; give one for each free hyperparameter.")
    built = []
    for name, entry in axes.items():
        if not isinstance(entry, Mapping) or not {"low", "high"} <= set(entry) <= {"low", "high", "scale"}:
            raise UserError(f"axis {name!r} in {origin} takes low, high and scale, received {entry!r}.")
        for end in ("low", "high"):
            if not isinstance(entry[end], (int, float)) or isinstance(entry[end], bool):
                raise UserError(f"{end} of axis {name!r} in {origin} must be a number, received {entry[end]!r}.")
        built.append(Axis(name, entry["low"], entry["high"], entry.get("scale", "linear")))
    return SearchSpace(str(table["name"]), tuple(built))


def space_to_dict(space: SearchSpace) -> dict[str, Any]:
    """The space as plain data, in the layout of a space's TOML file."""
    axes = {axis.name: {"low": axis.low, "high": axis.high, "scale": axis.scale} for axis in space.axes}
    return {"name": space.name, "axes": axes}
