"""A search from options to answer: enumerate, subtract what the store has, run the rest, read it all."""

from __future__ import annotations

import io
import statistics
from dataclasses import dataclass

import numpy as np
from rich.console import Console

from tune_stability.analysis import summarize
from tune_stability.display.progress import Progress, duration
from tune_stability.display.summary import print_best, print_summary
from tune_stability.errors import unknown_name
from tune_stability.execution import EXECUTOR_NAMES, Resources, get_executor, get_proposer
from tune_stability.execution.worker import load_trainable
from tune_stability.models.catalog import reference_learning_rate, revision, seconds_per_epoch
from tune_stability.options import SearchOptions
from tune_stability.outcomes import SuccessRule
from tune_stability.plots import region_figure
from tune_stability.recipes import get_recipe
from tune_stability.sampling.designs import DESIGNS
from tune_stability.sampling.enumeration import (
    check_recipes_differ,
    configuration_trials,
    enumerate_trials,
    what_is_compared,
)
from tune_stability.sampling.optuna_samplers import ADAPTIVE
from tune_stability.sampling.resuming import AdaptiveState, adaptive_state
from tune_stability.sampling.sources import AdaptiveSource, EnumeratedSource, TrialSource, UntilDeadline
from tune_stability.spaces import get_space
from tune_stability.store import Location, check_study, compact, load_results, locate, open_study, stored_ids
from tune_stability.studies import StudySpec
from tune_stability.trials import FINE_TUNING, TrialConfig


@dataclass(frozen=True)
class _Work:
    """A source of `total` trials, of which `missing` are known up front; `done` are stored already."""

    source: TrialSource
    total: int
    done: int
    missing: list[TrialConfig]


def run_search(options: SearchOptions, console: Console, resume_command: str) -> None:
    """Run what is missing of the study that `options` describe, then print and draw its answer.

    Raises `UserError` for bad input, before anything is written.
    """
    rule = SuccessRule.parse(options.success_rule)
    received = study_spec(options)
    location = locate(options.folder)
    if options.plan:
        _print_plan(received, location, options, console)
        return
    spec = open_study(location, received)
    work = _work(received, location, options)
    console.print(f"study {options.folder}: {what_is_compared(spec)}", highlight=False)
    if work.total:
        _run(work, spec, location, options, console, resume_command)
    compact(location)
    _answer(spec, location, rule, console)


def study_spec(options: SearchOptions) -> StudySpec:
    """The study that the options describe. Raises `UserError` naming what is unknown."""
    if options.sampler not in (*DESIGNS, *ADAPTIVE):
        raise unknown_name("sampler", options.sampler, (*DESIGNS, *ADAPTIVE))
    if options.executor not in EXECUTOR_NAMES:
        raise unknown_name("executor", options.executor, EXECUTOR_NAMES)
    rate = reference_learning_rate(options.model)
    space = get_space(options.space, rate)
    recipes = tuple(get_recipe(name) for name in options.recipe_names)
    model_revision, task_fingerprint = "", ""
    if options.trainable == FINE_TUNING:
        from tune_stability.tasks import load_task

        model_revision, task_fingerprint = revision(options.model), load_task(options.task).fingerprint
    else:
        load_trainable(options.trainable)
    spec = StudySpec(
        name=locate(options.folder).name.rstrip("/").rsplit("/", 1)[-1],
        model=options.model,
        model_revision=model_revision,
        task=options.task,
        task_fingerprint=task_fingerprint,
        trainable=options.trainable,
        space=space,
        recipes=recipes,
        reference_learning_rate=rate,
        sampler=options.sampler,
        design_seed=options.design_seed,
        num_configs=options.num_configs,
        num_seeds=options.seeds,
    )
    check_recipes_differ(spec)
    enumerate_trials(spec)
    return spec


def _work(received: StudySpec, location: Location, options: SearchOptions) -> _Work:
    # What was asked for now is run, not all that the study has grown to.
    if received.sampler in DESIGNS:
        trials = enumerate_trials(received)
        completed = {trial_id for trial_id, status in _stored(location).items() if status == "completed"}
        missing = [trial for trial in trials if trial.trial_id not in completed]
        return _Work(EnumeratedSource(missing), len(missing), len(trials) - len(missing), missing)
    state = adaptive_state(received, load_results(location)) if _exists(location) else AdaptiveState([], [], 0)
    per_configuration = received.num_seeds * len(received.recipes)
    new = max(0, received.num_configs - state.next_index)
    missing = [trial for trials in state.started for trial in trials]
    total = new * per_configuration + len(missing)
    proposer = get_proposer(options.executor, received, state.known)
    source = AdaptiveSource(received, proposer, state.next_index, state.started)
    return _Work(source, total, received.num_configs * per_configuration - total, missing)


def _run(
    work: _Work, spec: StudySpec, location: Location, options: SearchOptions, console: Console, resume_command: str
) -> None:
    resources = Resources(
        cpus_per_trial=options.cpus_per_trial,
        gpus_per_trial=options.gpus_per_trial,
        max_concurrent=options.max_concurrent,
        address=options.address,
        verbose=options.verbose,
    )
    budget = options.time_budget_seconds()
    source = work.source if budget is None else UntilDeadline(work.source, budget)
    progress = Progress(source, work.total, options.recipe_names, console)
    progress.expect_epochs(work.missing)
    console.print(f"{work.total} trials to run, {work.done} already done", highlight=False)
    with progress:
        get_executor(options.executor, resources).run(spec.name, location, progress, progress.trial_ended)
    if progress.errors:
        console.print(
            f"{progress.errors} trials ended in an error, which is stored; run the same command to try them again.",
            style="yellow",
        )
    if progress.ended < work.total:
        console.print(f"{work.total - progress.ended} trials left; to go on: {resume_command}", soft_wrap=True)


def _print_plan(received: StudySpec, location: Location, options: SearchOptions, console: Console) -> None:
    if _exists(location):
        check_study(location, received)
    work = _work(received, location, options)
    console.print(f"study {options.folder}: {what_is_compared(received)}", highlight=False)
    console.print(f"{work.total + work.done} trials, {work.done} already done, {work.total} to run", highlight=False)
    per_epoch = _seconds_per_epoch(received, location)
    if per_epoch is None:
        console.print("estimated time: unknown until the first trials of this study have run")
        return
    mean_epochs = statistics.fmean(t.hyperparameters.num_epochs for t in work.missing) if work.missing else 0.0
    if options.sampler not in DESIGNS:
        trials = configuration_trials(received, 0, received.space.configuration([0.5] * len(received.space.axes)), "design")
        mean_epochs = statistics.fmean(t.hyperparameters.num_epochs for t in trials)
    seconds = work.total * mean_epochs * per_epoch
    console.print(
        f"estimated time: {duration(seconds)} of one worker, {duration(seconds / 2)} with 2, "
        f"{duration(seconds / 16)} with 16",
        highlight=False,
    )


def _seconds_per_epoch(received: StudySpec, location: Location) -> float | None:
    if _exists(location):
        rows = load_results(location, columns=["status", "seconds", "num_epochs"])
        rows = rows[rows["status"] == "completed"]
        if len(rows):
            return float((rows["seconds"] / rows["num_epochs"]).median())
    return seconds_per_epoch(received.model) if received.trainable == FINE_TUNING else None


def _answer(spec: StudySpec, location: Location, rule: SuccessRule, console: Console) -> None:
    frame = load_results(location)
    recipes = [recipe.name for recipe in spec.recipes if (frame["recipe"] == recipe.name).any()]
    if spec.sampler not in DESIGNS:
        print_best(frame, spec.space, console)
        return
    summary = summarize(frame, recipes, spec.space, spec.sampler, rule, np.random.default_rng(spec.design_seed))
    print_summary(summary, what_is_compared(spec), console)
    figure = region_figure(frame, recipes, spec.space, rule)
    if figure is not None:
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=150)
        location.write(location.picture_file, png.getvalue())
        console.print(f"picture: {location.picture_file}", highlight=False)


def _exists(location: Location) -> bool:
    return location.exists(location.study_file)


def _stored(location: Location) -> dict[str, str]:
    return stored_ids(location) if _exists(location) else {}
