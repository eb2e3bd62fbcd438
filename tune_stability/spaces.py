"""Search spaces: the axes of the free hyperparameters, and with them a measure.

A point of the unit cube becomes a configuration by each axis's quantile function, so a design that is uniform
in the cube is uniform in the scale of every axis (log for the learning rate).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tune_stability.axes import AnyAxis, Axis, ChoiceAxis
from tune_stability.errors import UserError, unknown_name
from tune_stability.hyperparameters import Value

Configuration = Mapping[str, Value]


@dataclass(frozen=True)
class SearchSpace:
    """A named product of axes."""

    name: str
    axes: tuple[AnyAxis, ...]

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        if not names:
            raise UserError(f"the search space {self.name!r} has no axis; give at least one, such as learning_rate.")
        if len(set(names)) != len(names):
            raise UserError(f"the search space {self.name!r} names an axis twice: {', '.join(names)}.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    def configuration(self, point: Sequence[float]) -> dict[str, Value]:
        """The configuration at a point of the unit cube, of shape `(n_axes,)`."""
        return {axis.name: axis.value(float(u)) for axis, u in zip(self.axes, point, strict=True)}

    def point(self, configuration: Configuration) -> list[float]:
        """The point of the unit cube, of shape `(n_axes,)`, at which a configuration lies."""
        return [axis.position(configuration[axis.name]) for axis in self.axes]  # type: ignore[arg-type]


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
    """Read a space from TOML: an optional `name`, and per axis a table `[axes.NAME]`.

    A table has `low`, `high` and perhaps `scale`, or `choices`. Raises `UserError` for anything else.
    """
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
    built = tuple(_axis_from_dict(name, entry, origin) for name, entry in axes.items())
    return SearchSpace(str(table["name"]), built)


def space_to_dict(space: SearchSpace) -> dict[str, Any]:
    """The space as plain data, in the layout of a space's TOML file."""
    return {"name": space.name, "axes": {axis.name: _axis_to_dict(axis) for axis in space.axes}}


def _axis_from_dict(name: str, entry: object, origin: str) -> AnyAxis:
    if isinstance(entry, Mapping) and set(entry) == {"choices"}:
        if not isinstance(entry["choices"], list):
            raise UserError(f"choices of axis {name!r} in {origin} must be a list, received {entry['choices']!r}.")
        return ChoiceAxis(name, tuple(entry["choices"]))
    if not isinstance(entry, Mapping) or not {"low", "high"} <= set(entry) <= {"low", "high", "scale"}:
        raise UserError(f"axis {name!r} in {origin} takes low, high and scale, or choices, received {entry!r}.")
    for end in ("low", "high"):
        if not isinstance(entry[end], (int, float)) or isinstance(entry[end], bool):
            raise UserError(f"{end} of axis {name!r} in {origin} must be a number, received {entry[end]!r}.")
    return Axis(name, entry["low"], entry["high"], entry.get("scale", "linear"))


def _axis_to_dict(axis: AnyAxis) -> dict[str, Any]:
    if isinstance(axis, ChoiceAxis):
        return {"choices": list(axis.choices)}
    return {"low": axis.low, "high": axis.high, "scale": axis.scale}
