"""The spec of a study: all that decides which trials it has."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tune_stability.data_source import DataSource
from tune_stability.errors import UserError, unknown_name
from tune_stability.hyperparameters import Hyperparameters, Value
from tune_stability.recipes import Recipe
from tune_stability.spaces import SearchSpace, space_from_dict, space_to_dict

SeedScheme = Literal["single", "factorial"]
SEED_SCHEMES: tuple[SeedScheme, ...] = ("single", "factorial")
"""single: a seed sets all that is random in a trial. factorial: every combination of seeds for its three parts."""
MAX_SEEDS = 1000
"""The most trials that one configuration and recipe may have; each needs a number of its own."""
SPEC_VERSION = 1
"""Raised by one whenever a spec written before can no longer be read the same way."""


@dataclass(frozen=True)
class StopRule:
    """Add configurations, `max_configs` at most, until the intervals of all widenings are `width` wide or less."""

    width: float
    max_configs: int

    def __post_init__(self) -> None:
        if not 0 < self.width < 2:
            raise UserError(f"a width of the widening's interval lies between 0 and 2, received {self.width!r}.")
        if self.max_configs < 1:
            raise UserError(f"max_configs must be at least 1, received {self.max_configs}.")


@dataclass(frozen=True, kw_only=True)
class StudySpec:
    """What a study runs. `num_configs`, `num_seeds` and `recipes` may grow; `name` is a label; the rest is fixed.

    `replicates` is of how many independent scrambles a Sobol design is made, 1 for every other sampler. `family` are
    the hyperparameters that the model's family has of its own, under what a recipe pins; `settings` those that were
    given for all arms, over it. With a `stop_rule`, which may come later and be tightened, `num_configs` is how far the
    study has come, and the intervals to quote are those of `analysis.sequential`. `data` (where the data are) and
    `checkpoint_every` (in steps) change no result, are not stored, and may change.
    """

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
    replicates: int = 1
    seed_scheme: SeedScheme = "single"
    family: dict[str, Value] = field(default_factory=dict)
    settings: dict[str, Value] = field(default_factory=dict)
    stop_rule: StopRule | None = None
    data: DataSource = field(default_factory=DataSource)
    checkpoint_every: int = 0

    def __post_init__(self) -> None:
        names = [recipe.name for recipe in self.recipes]
        if not names or len(set(names)) != len(names):
            raise UserError(f"a study needs recipes of different names, received {', '.join(names) or 'none'}.")
        for count in ("num_configs", "num_seeds", "replicates"):
            if getattr(self, count) < 1:
                raise UserError(f"{count} must be at least 1, received {getattr(self, count)}.")
        if self.seed_scheme not in SEED_SCHEMES:
            raise unknown_name("seed scheme", self.seed_scheme, SEED_SCHEMES)
        if self.trials_per_configuration > MAX_SEEDS:
            most = round(MAX_SEEDS ** (1 / 3)) if self.seed_scheme == "factorial" else MAX_SEEDS
            raise UserError(
                f"the seed scheme {self.seed_scheme} takes at most {most} seeds, received {self.num_seeds}."
            )
        for recipe in self.recipes:
            self.hyperparameters(recipe)

    @property
    def trials_per_configuration(self) -> int:
        """How many trials each recipe has at each configuration."""
        return self.num_seeds**3 if self.seed_scheme == "factorial" else self.num_seeds

    @property
    def planned_trials(self) -> int:
        """How many trials the study has when it is whole."""
        return self.num_configs * self.trials_per_configuration * len(self.recipes)

    def hyperparameters(self, recipe: Recipe) -> Hyperparameters:
        """A recipe as this study runs it, before a configuration changes it: settings over recipe over family."""
        below = {"learning_rate": self.reference_learning_rate, **self.family}
        return Hyperparameters().replace(**{**below, **recipe.pinned(), **self.settings})

    def to_json(self) -> str:
        """The spec as text for people and for `from_json`."""
        plain = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("stop_rule", "data", "checkpoint_every")
        }
        if self.stop_rule is not None:
            plain["stop_rule"] = dataclasses.asdict(self.stop_rule)
        plain |= {"space": space_to_dict(self.space), "recipes": [_recipe_to_dict(recipe) for recipe in self.recipes]}
        return json.dumps({"schema_version": SPEC_VERSION, **plain}, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, origin: str) -> StudySpec:
        """The spec that `to_json` wrote. `origin` names the source in errors. Raises `UserError`."""
        table = _parsed(text, origin)
        version = _entry(table, "schema_version", int, origin)
        if version > SPEC_VERSION:
            raise UserError(
                f"{origin} has schema version {version}, this tune_stability reads up to {SPEC_VERSION}; upgrade it."
            )
        plain = {name: _entry(table, name, kind, origin) for name, kind in _PLAIN.items()}
        space = _entry(table, "space", dict, origin)
        _entry(space, "name", str, origin)
        recipes = _entry(table, "recipes", list, origin)
        return cls(
            space=space_from_dict(space, origin),
            recipes=tuple(_recipe_from_dict(recipe, origin) for recipe in recipes),
            stop_rule=_stop_rule_from_dict(table.get("stop_rule"), origin),
            **plain,
            **{name: _entry(table, name, kind, origin) for name, kind in _ADDED.items() if name in table},
        )


GROWING = ("num_configs", "num_seeds")
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
# Absent from specs written before they existed, which means their default.
_ADDED: dict[str, type] = {"replicates": int, "seed_scheme": str, "family": dict, "settings": dict}
FIXED = (*(field for field in _PLAIN if field not in ("name", *GROWING)), *_ADDED)


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


def _stop_rule_from_dict(table: object, origin: str) -> StopRule | None:
    if table is None:
        return None
    if not isinstance(table, Mapping):
        raise _damaged(origin, f"the stop_rule is {table!r:.80}")
    return StopRule(_entry(table, "width", float, origin), _entry(table, "max_configs", int, origin))


def _parsed(text: str | bytes, origin: str) -> Mapping[str, Any]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(origin, str(error).splitlines()[0]) from None
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
