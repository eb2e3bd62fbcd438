"""Run a study from look to look until the intervals of its widenings are narrow enough."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import pandas as pd
from rich.console import Console

from tune_stability.analysis import Design, Look, last_look, look_sizes, success_arrays, take_look
from tune_stability.display.looks import look_line
from tune_stability.errors import UserError
from tune_stability.options import SearchOptions
from tune_stability.outcomes import SuccessRule
from tune_stability.store import Location, load_results, read_study
from tune_stability.studies import StopRule, StudySpec

MANY_ERRORS = 0.1
STOPPING_DESIGNS = ("sobol", "random")


@dataclass(frozen=True)
class Stage:
    """What was run up to a number of configurations. `spec` is the study as stored."""

    spec: StudySpec
    ran: int
    left: int
    errors: int


def stop_rule(options: SearchOptions) -> StopRule | None:
    """The rule that the options give. Raises `UserError` where there is no widening or no look."""
    width = options.width()
    if width is None:
        return None
    if options.sampler not in STOPPING_DESIGNS:
        raise UserError(
            f"--until-width needs a design that can grow, received the sampler {options.sampler!r}; "
            f"give one of {', '.join(STOPPING_DESIGNS)}."
        )
    if len(options.recipe_names) < 2:
        raise UserError(
            "--until-width is about the widening of one recipe over another, received "
            f"{options.recipes or 'none'!r} as recipes; give two."
        )
    return StopRule(width, options.configurations)


def run_until(
    received: StudySpec,
    rule: StopRule,
    location: Location,
    success_rule: SuccessRule,
    stage: Callable[[StudySpec], Stage],
    console: Console,
) -> StudySpec:
    """Run `stage` up to one look after the other; the study as stored at the end.

    All widenings of the received recipes over the first must be narrow enough. The study's number of configurations is
    that of the look it has come to, at which the same command goes on.
    """
    stored = read_study(location) if location.exists(location.study_file) else None
    most = _joined_maximum(rule, stored)
    first = 1 if stored is None else last_look(stored.num_configs, most) or 1
    names = [recipe.name for recipe in received.recipes]
    for number, size in enumerate(look_sizes(most), 1):
        if number < first or size > rule.max_configs:
            continue
        # What an earlier search began between two looks is completed, though only the look's own are looked at.
        begun = 0 if stored is None else min(stored.num_configs, rule.max_configs)
        done = stage(dataclasses.replace(received, num_configs=max(size, begun)))
        stored = done.spec
        if done.left:
            return stored
        looks = looks_at(stored, names, load_results(location), success_rule, number, rule.width)
        for treatment, look in looks.items():
            console.print(look_line(look, names[0], treatment, rule.width), highlight=False, markup=False)
        if looks and all(look.reached for look in looks.values()):
            return stored
        if done.errors > MANY_ERRORS * done.ran:
            console.print("so many trials ended in an error that the search stops here", style="yellow")
            return stored
    console.print(
        f"not reached: {rule.max_configs} configurations are the most that may run; --num-configs allows more",
        style="yellow",
        highlight=False,
    )
    return stored or received


def looks_at(
    spec: StudySpec, recipes: Sequence[str], frame: pd.DataFrame, rule: SuccessRule, number: int, width: float
) -> dict[str, Look]:
    """Look `number` of every other recipe over the first, by its name. An arm without any row has none."""
    assert spec.stop_rule is not None
    most = spec.stop_rule.max_configs
    seen = frame[frame["config_index"] < look_sizes(most)[number - 1]]
    baseline, looks = recipes[0], {}
    for treatment in recipes[1:]:
        if {baseline, treatment} <= set(seen["recipe"]):
            arms = success_arrays(seen, (baseline, treatment), spec.space, rule)
            first, second = arms.success[baseline], arms.success[treatment]
            design = cast(Design, spec.sampler)
            looks[treatment] = take_look(
                first, second, arms.points, design, look=number, most=most, width=width, replicate=arms.replicate
            )
    return looks


def latest_looks(spec: StudySpec, recipes: Sequence[str], frame: pd.DataFrame, rule: SuccessRule) -> dict[str, Look]:
    """By treatment, the last look up to which it and the first recipe have a row for every trial."""
    assert spec.stop_rule is not None
    most = min(spec.num_configs, spec.stop_rule.max_configs)
    looks: dict[str, Look] = {}
    for treatment in recipes[1:]:
        pair = (recipes[0], treatment)
        number = last_look(min(_complete(frame, name, spec, most) for name in pair), spec.stop_rule.max_configs)
        if number is not None:
            looks |= looks_at(spec, pair, frame, rule, number, spec.stop_rule.width)
    return looks


def _complete(frame: pd.DataFrame, recipe: str, spec: StudySpec, most: int) -> int:
    """How many of the first configurations have all trials of a recipe."""
    own = frame[(frame["recipe"] == recipe) & (frame["source"] == "design")]
    counts = own["config_index"].value_counts().reindex(range(most), fill_value=0).to_numpy()
    short = (counts < spec.trials_per_configuration).nonzero()[0]
    return int(short[0]) if len(short) else most


def _joined_maximum(rule: StopRule, stored: StudySpec | None) -> int:
    """The maximum by which looks are planned: the largest that this study was ever given."""
    earlier = stored.stop_rule.max_configs if stored is not None and stored.stop_rule is not None else 0
    return max(rule.max_configs, earlier)
