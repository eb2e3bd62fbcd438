"""The spec of a study, kept as `study.json` in its folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tune_stability.errors import UserError
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.recipes import Recipe
from tune_stability.spaces import SearchSpace, space_from_dict, space_to_dict
from tune_stability.store.location import Location, locate, one_line
from tune_stability.store.schema import SCHEMA_VERSION


@dataclass(frozen=True, kw_only=True)
class StudySpec:
    """What a study runs. `num_configs`, `num_seeds` and `recipes` may grow; `name` is a label; the rest is fixed."""

    name: str
    model: str
    model_revision: str
    task: str
    task_fingerprint: str
    trainable: str
    space: SearchSpace
    recipes: tuple[Recipe, ...]
    reference_learning_rate: float
    sampler: str
    design_seed: int
    num_configs: int
    num_seeds: int

    def __post_init__(self) -> None:
        names = [recipe.name for recipe in self.recipes]
        if not names or len(set(names)) != len(names):
            raise UserError(f"a study needs recipes of different names, received {', '.join(names) or 'none'}.")
        for count in ("num_configs", "num_seeds"):
            if getattr(self, count) < 1:
                raise UserError(f"{count} must be at least 1, received {getattr(self, count)}.")
        for recipe in self.recipes:
            recipe.hyperparameters(self.reference_learning_rate)

    def to_json(self) -> str:
        """The spec as text for people and for `from_json`."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain |= {"space": space_to_dict(self.space), "recipes": [_recipe_to_dict(recipe) for recipe in self.recipes]}
        return json.dumps({"schema_version": SCHEMA_VERSION, **plain}, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, origin: str) -> StudySpec:
        """The spec that `to_json` wrote. `origin` names the source in errors. Raises `UserError`."""
        table = _parsed(text, origin)
        version = _entry(table, "schema_version", int, origin)
        if version > SCHEMA_VERSION:
            raise UserError(
                f"{origin} has schema version {version}, this tune_stability reads up to {SCHEMA_VERSION}; upgrade it."
            )
        plain = {name: _entry(table, name, kind, origin) for name, kind in _PLAIN.items()}
        space = _entry(table, "space", dict, origin)
        _entry(space, "name", str, origin)
        recipes = _entry(table, "recipes", list, origin)
        return cls(
            space=space_from_dict(space, origin),
            recipes=tuple(_recipe_from_dict(recipe, origin) for recipe in recipes),
            **plain,
        )


def open_study(location: str | Path | Location, spec: StudySpec) -> StudySpec:
    """Start the study in an empty folder, or go on with the same study there; the spec as stored from now on.

    Counts never shrink and recipes never leave. Raises `UserError`, and changes nothing, if the folder holds
    another study or other files.
    """
    place = locate(location)
    for _ in range(10):
        with place.locked():
            data = _read(place)
            if data is None:
                if names := place.foreign_names():
                    raise UserError(
                        f"{place.name} has no study.json but holds {_few(names)}; give an empty or new folder as --out."
                    )
                place.create(place.study_file, spec.to_json().encode())
            else:
                stored = StudySpec.from_json(data, f"{place.name}/study.json")
                grown = _grown(stored, spec, place.name)
                if grown == stored:
                    return stored
                place.write(place.study_file, grown.to_json().encode())
        # Where there is no lock another process may have written since the look above, so look again.
    raise UserError(f"study.json in {place.name} keeps changing; start one search at a time and run this one again.")


def check_study(location: str | Path | Location, spec: StudySpec) -> None:
    """Raise the `UserError` with which `open_study` would refuse `spec`; change nothing."""
    place = locate(location)
    _grown(read_study(place), spec, place.name)


def read_study(location: str | Path | Location) -> StudySpec:
    """The spec of the study in a folder. Raises `UserError` if it is missing, damaged or of a newer version."""
    place = study_folder(location)
    return StudySpec.from_json(_read(place) or b"", f"{place.name}/study.json")


def study_folder(location: str | Path | Location) -> Location:
    """The folder, which holds a study. Raises `UserError` if it does not."""
    place = locate(location)
    if not place.exists(place.study_file):
        raise UserError(
            f"{place.name} is no study: it has no study.json; give the folder that a search was given as --out."
        )
    return place


_PLAIN: dict[str, type] = {
    "name": str,
    "model": str,
    "model_revision": str,
    "task": str,
    "task_fingerprint": str,
    "trainable": str,
    "sampler": str,
    "design_seed": int,
    "reference_learning_rate": float,
    "num_configs": int,
    "num_seeds": int,
}
_GROWING = ("num_configs", "num_seeds")


def _read(place: Location) -> bytes | None:
    try:
        return place.read(place.study_file)
    except OSError as error:
        raise UserError(f"cannot read study.json in {place.name}: {one_line(error)}; check the access to it.") from None


def _grown(stored: StudySpec, received: StudySpec, name: str) -> StudySpec:
    for field in [field for field in _PLAIN if field not in ("name", *_GROWING)]:
        if getattr(stored, field) != getattr(received, field):
            raise _another(name, field, getattr(stored, field), getattr(received, field))
    if stored.space != received.space:
        raise _another(name, "search space", space_to_dict(stored.space), space_to_dict(received.space))
    known = {recipe.name: recipe for recipe in stored.recipes}
    for recipe in received.recipes:
        if recipe.name in known and known[recipe.name].pinned() != recipe.pinned():
            raise _another(name, f"recipe {recipe.name!r}", known[recipe.name].pinned(), recipe.pinned())
    return dataclasses.replace(
        stored,
        recipes=stored.recipes + tuple(recipe for recipe in received.recipes if recipe.name not in known),
        **{count: max(getattr(stored, count), getattr(received, count)) for count in _GROWING},
    )


def _another(name: str, what: str, stored: object, received: object) -> UserError:
    return UserError(
        f"{name} holds another study: its {what} is {stored!r}, received {received!r}; give another --out."
    )


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _recipe_to_dict(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "source": recipe.source,
        "differences": dict(recipe.differences),
        "parent": _recipe_to_dict(recipe.parent) if recipe.parent else None,
    }


def _recipe_from_dict(table: object, origin: str) -> Recipe:
    if not isinstance(table, Mapping):
        raise _damaged(origin, f"a recipe is {table!r}")
    differences = _entry(table, "differences", dict, origin)
    Hyperparameters().replace(**differences)
    parent = table.get("parent")
    return Recipe(
        _entry(table, "name", str, origin),
        _entry(table, "source", str, origin),
        None if parent is None else _recipe_from_dict(parent, origin),
        differences,
    )


def _parsed(text: str | bytes, origin: str) -> Mapping[str, Any]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(origin, one_line(error)) from None
    if not isinstance(table, dict):
        raise _damaged(origin, f"it holds a {type(table).__name__}")
    return table


def _entry(table: Mapping[str, Any], key: str, kind: type, origin: str) -> Any:
    value = table.get(key)
    fits = type(value) in (int, float) if kind is float else type(value) is kind
    if not fits:
        raise _damaged(origin, f"{key} must be a {kind.__name__}, found {value!r:.80}")
    return value


def _damaged(origin: str, why: str) -> UserError:
    return UserError(f"{origin} is damaged ({why}); restore it from a copy, or start again with another --out.")
