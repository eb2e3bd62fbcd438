"""A search from options to answer: enumerate, subtract what the store has, run the rest, read it all."""

from __future__ import annotations

from rich.console import Console

from tune_stability.answering import answer
from tune_stability.display.progress import Progress, duration
from tune_stability.execution import Resources, get_executor
from tune_stability.options import SearchOptions
from tune_stability.outcomes import SuccessRule
from tune_stability.planning import Work, check_layers, check_model, estimated_seconds, study_spec, work_left
from tune_stability.sampling.enumeration import what_is_compared
from tune_stability.sampling.sources import UntilDeadline
from tune_stability.store import Location, check_study, compact, locate, open_study
from tune_stability.studies import StudySpec


def run_search(options: SearchOptions, console: Console, resume_command: str) -> None:
    """Run what is missing of the study that `options` describe, then print and draw its answer.

    Raises `UserError` for bad input; what is wrong with the options is found before anything is written.
    """
    rule = SuccessRule.parse(options.success_rule)
    received = study_spec(options)
    location = locate(options.folder)
    if location.exists(location.study_file):
        check_study(location, received)
    if options.plan:
        _print_plan(received, location, options, console)
        return
    work = work_left(received, location, options.executor)
    if work.total:
        check_model(options, received)
        check_layers(received)
    spec = open_study(location, received)
    console.print(f"study {options.folder}: {what_is_compared(spec)}", markup=False)
    console.print(f"{work.total} trials to run, {work.done} already done")
    if work.total:
        _run(work, spec, location, options, console, resume_command)
    compact(location)
    answer(spec, options.recipe_names, location, rule, console)


def _run(
    work: Work, spec: StudySpec, location: Location, options: SearchOptions, console: Console, resume_command: str
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
    progress.expect_effort(work.missing)
    with progress:
        get_executor(options.executor, resources).run(spec.name, location, progress, progress.trial_ended)
    if progress.errors:
        console.print(
            f"{progress.errors} trials ended in an error, which is stored; run the same command to try them again.",
            style="yellow",
        )
    if progress.ended < work.total:
        console.print(f"{work.total - progress.ended} trials left; to go on: {resume_command}", markup=False)


def _print_plan(received: StudySpec, location: Location, options: SearchOptions, console: Console) -> None:
    work = work_left(received, location, options.executor)
    console.print(f"study {options.folder}: {what_is_compared(received)}", markup=False)
    console.print(f"{work.total + work.done} trials, {work.done} already done, {work.total} to run")
    seconds = estimated_seconds(work, received, location)
    if seconds is None:
        console.print("estimated time: unknown until the first trials of this study have run")
        return
    console.print(
        f"estimated time: {duration(seconds)} with 1 worker, {duration(seconds / 2)} with 2, "
        f"{duration(seconds / 16)} with 16",
        highlight=False,
    )
