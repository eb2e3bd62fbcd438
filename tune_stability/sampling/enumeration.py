"""The trials of a study: every configuration by every recipe by every seed."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, cast

from tune_stability.axes import ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.hyperparameters import Value
from tune_stability.sampling.designs import DESIGNS, design_points, design_replicate
from tune_stability.sampling.seeds import configuration_seeds
from tune_stability.spaces import Configuration
from tune_stability.studies import StudySpec
from tune_stability.trials import Source, TrialConfig

if TYPE_CHECKING:
    from tune_stability.analysis import Design

BOUNDARY = "boundary"
DESIGN_EVERY = 4
"""With the sampler boundary each so manieth configuration is one of the Sobol design; only these enter frequencies."""


def enumerate_trials(spec: StudySpec) -> list[TrialConfig]:
    """Every trial of a study whose sampler is a design, by configuration, then seed, then recipe."""
    configurations = design_configurations(spec)
    return [
        trial
        for index, configuration in configurations.items()
        for trial in configuration_trials(spec, index, configuration, "design")
    ]


def design_configurations(spec: StudySpec) -> dict[int, Configuration]:
    """The configurations of the design by their index, in the order in which they run.

    A grid runs in a shuffled order, so that a search that is stopped early has seen all of the space. With the sampler
    boundary, index `DESIGN_EVERY` i is configuration i of the Sobol design, and no other index is in the design.
    """
    if spec.sampler == BOUNDARY:
        own = dataclasses.replace(spec, sampler="sobol", num_configs=math.ceil(spec.num_configs / DESIGN_EVERY))
        return {DESIGN_EVERY * index: found for index, found in design_configurations(own).items()}
    if spec.sampler not in DESIGNS:
        return {}
    num_choices = [len(axis.choices) if isinstance(axis, ChoiceAxis) else 0 for axis in spec.space.axes]
    points = design_points(
        spec.sampler, spec.num_configs, len(num_choices), spec.design_seed, num_choices, spec.replicates
    )
    order = list(range(len(points)))
    if spec.sampler == "grid":
        random.Random(spec.design_seed).shuffle(order)
    return {index: spec.space.configuration(points[index]) for index in order}


def configuration_trials(
    spec: StudySpec, index: int, configuration: Configuration, source: Source
) -> list[TrialConfig]:
    """The trials of one configuration, by seed, then recipe, so that arms are compared early."""
    arms = {recipe.name: spec.hyperparameters(recipe).replace(**configuration) for recipe in spec.recipes}
    return [
        TrialConfig(
            model=spec.model,
            model_revision=spec.model_revision,
            task=spec.task,
            task_fingerprint=spec.task_fingerprint,
            trainable=spec.trainable,
            hyperparameters=hyperparameters,
            **dataclasses.asdict(seeds),
            recipe=recipe,
            config_index=index,
            source=source,
            replicate=_replicate(spec, index),
            data=spec.data,
            checkpoint_every=spec.checkpoint_every,
        )
        for seeds in configuration_seeds(spec, index)
        for recipe, hyperparameters in arms.items()
    ]


def _replicate(spec: StudySpec, index: int) -> int | None:
    if spec.sampler != BOUNDARY:
        return design_replicate(spec.sampler, index, spec.replicates)
    place, rest = divmod(index, DESIGN_EVERY)
    return None if rest else design_replicate("sobol", place, spec.replicates)


def design_to_analyse(spec: StudySpec, completed: int) -> Design | None:
    """How the configurations of a study's design rows were chosen, None if it has no design.

    `completed` counts the trials that have an outcome. What has run of a grid is a random part of it.
    """
    if spec.sampler == BOUNDARY:
        return "sobol"
    if spec.sampler not in DESIGNS:
        return None
    planned = spec.planned_trials
    return "random" if spec.sampler == "grid" and completed < planned else cast("Design", spec.sampler)


def check_recipes_differ(spec: StudySpec) -> None:
    """Raise `UserError` if the space overrides all in which two recipes differ, which would make them one."""
    free = set(spec.space.names)
    for a, b in combinations(spec.recipes, 2):
        left, right = (spec.hyperparameters(r).differences() for r in (a, b))
        if {k: v for k, v in left.items() if k not in free} == {k: v for k, v in right.items() if k not in free}:
            raise UserError(
                f"the recipes {a.name} and {b.name} are the same in the space {spec.space.name}, whose axes "
                f"({', '.join(spec.space.names)}) override their differences; leave one out or take the space lr."
            )


def what_is_compared(spec: StudySpec) -> str:
    """One sentence on what the arms of this study share and in what they differ."""
    free = set(spec.space.names)
    pinned: list[Mapping[str, Value]] = [
        {k: v for k, v in spec.hyperparameters(r).differences().items() if k not in free} for r in spec.recipes
    ]
    names = sorted({name for p in pinned for name in p})
    differing = [n for n in names if any(p.get(n) != pinned[0].get(n) for p in pinned)]
    shared = ", ".join(spec.space.names)
    if not differing:
        return f"One recipe over {shared}."
    overridden = sorted(
        name
        for name in free - {"learning_rate"}
        if len({spec.hyperparameters(r).differences().get(name) for r in spec.recipes}) > 1
    )
    sentence = f"The arms share {shared} (same configurations, same seeds) and differ in {', '.join(differing)}"
    if overridden:
        return f"{sentence}; the recipes' own {', '.join(overridden)} are overridden by the space."
    return f"{sentence}: the recipes as published, over this range."
