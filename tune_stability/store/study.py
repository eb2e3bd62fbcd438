"""`study.json`: the spec of a study, kept in its folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tune_stability.errors import UserError
from tune_stability.spaces import space_to_dict
from tune_stability.store.location import Location, locate
from tune_stability.studies import FIXED, GROWING, StopRule, StudySpec


def open_study(location: str | Path | Location, spec: StudySpec) -> StudySpec:
    """Start the study in an empty folder, or go on with the same study there; the spec as stored from now on.

    Counts never shrink and recipes never leave. Raises `UserError`, and changes nothing, if the folder holds
    another study or other files.
    """
    place = locate(location)
    for _ in range(10):
        with place.locked():
            data = place.read(place.study_file)
            if data is None:
                _check_empty(place)
                place.create(place.study_file, spec.to_json().encode())
            else:
                stored = StudySpec.from_json(data, f"{place.name}/study.json")
                grown = _grown(stored, spec, place.name)
                if grown == stored:
                    return stored
                place.write(place.study_file, grown.to_json().encode())
        # Where there is no lock another process may have written since the look above, so look again.
    raise UserError(f"study.json in {place.name} keeps changing; start one search at a time and run this one again.")


def check_study(location: str | Path | Location, spec: StudySpec) -> StudySpec:
    """The spec that `open_study` would store, or its `UserError`; change nothing."""
    place = locate(location)
    if place.exists(place.study_file):
        return _grown(read_study(place), spec, place.name)
    _check_empty(place)
    return spec


def read_study(location: str | Path | Location) -> StudySpec:
    """The spec of the study in a folder. Raises `UserError` if it is missing, damaged or of a newer version."""
    place = study_folder(location)
    return StudySpec.from_json(place.read(place.study_file) or b"", f"{place.name}/study.json")


def study_folder(location: str | Path | Location) -> Location:
    """The folder, which holds a study. Raises `UserError` if it does not."""
    place = locate(location)
    if not place.exists(place.study_file):
        raise UserError(
            f"{place.name} is no study: it has no study.json; give the folder that a search was given as --out."
        )
    return place


def _check_empty(place: Location) -> None:
    if names := place.foreign_names():
        raise UserError(
            f"{place.name} has no study.json but holds {_few(names)}; give an empty or new folder as --out."
        )


def _grown(stored: StudySpec, received: StudySpec, name: str) -> StudySpec:
    for field in FIXED:
        if getattr(stored, field) != getattr(received, field):
            raise _another(name, field, getattr(stored, field), getattr(received, field))
    if stored.sampler == "grid" and stored.num_configs != received.num_configs:
        # Another number of points is another grid: the same index would name another configuration.
        raise _another(name, "grid's num_configs", stored.num_configs, received.num_configs)
    if stored.space != received.space:
        raise _another(name, "search space", space_to_dict(stored.space), space_to_dict(received.space))
    if stored.stop_rule and not received.stop_rule and received.num_configs > stored.num_configs:
        has = f"has {stored.num_configs} configurations by --until-width {stored.stop_rule.width:g}"
        raise UserError(
            f"{name} {has}, received {received.num_configs} without a width; "
            f"give --until-width, or --num-configs {stored.num_configs}."
        )
    known = {recipe.name: recipe for recipe in stored.recipes}
    for recipe in received.recipes:
        if recipe.name in known and known[recipe.name].pinned() != recipe.pinned():
            raise _another(name, f"recipe {recipe.name!r}", known[recipe.name].pinned(), recipe.pinned())
    return dataclasses.replace(
        stored,
        recipes=stored.recipes + tuple(recipe for recipe in received.recipes if recipe.name not in known),
        stop_rule=_tighter(stored.stop_rule, received.stop_rule),
        **{count: max(getattr(stored, count), getattr(received, count)) for count in GROWING},
    )


def _tighter(stored: StopRule | None, received: StopRule | None) -> StopRule | None:
    """The narrower width and the larger maximum of two rules."""
    if stored is None or received is None:
        return stored or received
    return StopRule(min(stored.width, received.width), max(stored.max_configs, received.max_configs))


def _another(name: str, what: str, stored: object, received: object) -> UserError:
    return UserError(
        f"{name} holds another study: its {what} is {stored!r}, received {received!r}; give another --out."
    )


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
