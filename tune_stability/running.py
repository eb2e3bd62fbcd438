"""A search from options to answer: enumerate, subtract what the store has, run the rest, read it all."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console

from tune_stability.answering import answer
from tune_stability.display.plan import print_sizes
from tune_stability.display.progress import Progress, duration
from tune_stability.event_log import event_log
from tune_stability.execution import Resources, Retries, get_executor
from tune_stability.options import SearchOptions
from tune_stability.outcomes import SuccessRule
from tune_stability.planning import Work, check_layers, check_model, estimated_seconds, study_spec, work_left
from tune_stability.sampling.designs import DESIGNS
from tune_stability.sampling.enumeration import what_is_compared
from tune_stability.sampling.sources import UntilDeadline
from tune_stability.sizing import planned_sizes
from tune_stability.stopping import Stage, run_until
from tune_stability.store import Location, check_study, compact, lease, locate, open_study
from tune_stability.studies import StudySpec

LOOKAHEAD, ADAPTIVE_LOOKAHEAD = 64, 2
"""Batches that may wait for a worker, of a design and of a sampler that looks at results."""
_log = logging.getLogger(__name__)


def run_search(options: SearchOptions, console: Console, resume_command: str) -> None:
    """Run what is missing of the study that `options` describe, then print and draw its answer.

    Raises `UserError` for bad input; what is wrong with the options is found before anything is written.
    """
    rule = SuccessRule.parse(options.success_rule)
    received = study_spec(options)
    location = locate(options.folder)
    whole = check_study(location, received)
    if options.plan:
        _print_plan(received, location, rule, options, console)
        return
    console.print(f"study {options.folder}: {what_is_compared(whole)}", markup=False)
    budget = options.time_budget_seconds()
    deadline = None if budget is None else time.time() + budget

    with event_log(location, options.log_file, console), ExitStack() as held:

        @functools.cache
        def hold() -> None:
            """Keep other searches out, from the first trial on to the end."""
            held.enter_context(lease(location, functools.partial(console.print, markup=False, soft_wrap=True)))

        def stage(part: StudySpec) -> Stage:
            return _run_stage(part, location, options, deadline, console, resume_command, hold)

        if received.stop_rule is None:
            spec = stage(received).spec
        else:
            spec = run_until(received, received.stop_rule, location, rule, stage, console)
        compact(location)
    answer(spec, options.recipe_names, location, rule, console)


def _run_stage(
    received: StudySpec,
    location: Location,
    options: SearchOptions,
    deadline: float | None,
    console: Console,
    resume_command: str,
    hold: Callable[[], None],
) -> Stage:
    work = work_left(received, location, options.executor)
    if work.total:
        check_model(options, received)
        check_layers(received)
        hold()
        # Another search may have run some of it meanwhile.
        work = work_left(received, location, options.executor)
    spec = open_study(location, received)
    console.print(f"{work.total} trials to run, {work.done} already done")
    ended = errors = 0
    if work.total:
        ended, errors = run_trials(work, spec, location, options, deadline, console)
    if errors:
        console.print(
            f"{errors} trials ended in an error, which is stored; run the same command to try them again.",
            style="yellow",
        )
    if ended < work.total:
        console.print(f"{work.total - ended} trials left; to go on: {resume_command}", markup=False)
    return Stage(spec, work.total, work.total - ended, errors)


def run_trials(
    work: Work,
    spec: StudySpec,
    location: Location,
    options: SearchOptions,
    deadline: float | None,
    console: Console,
) -> tuple[int, int]:
    """How many trials ended, and how many of them in an error. Logs the first and the last event of a search."""
    resources = Resources(
        cpus_per_trial=options.cpus_per_trial,
        gpus_per_trial=options.gpus_per_trial,
        max_concurrent=options.max_concurrent,
        address=options.address,
        verbose=options.verbose,
        lookahead=LOOKAHEAD if spec.sampler in DESIGNS else ADAPTIVE_LOOKAHEAD,
        trial_timeout=options.timeout_seconds(),
        log_to=options.log_tools,
    )
    source = work.source if deadline is None else UntilDeadline(work.source, deadline - time.time())
    progress = Progress(source, work.total, options.recipe_names, console)
    progress.expect_effort(work.missing)
    retries = Retries(progress, options.max_retries, progress.trial_ended)
    _log_start(work, spec, location, options)
    try:
        with progress:
            get_executor(options.executor, resources).run(spec.name, location, retries, retries.trial_ended)
    finally:
        _log_stop(work.total, progress.ended, progress.errors)
    return progress.ended, progress.errors


def _log_start(work: Work, spec: StudySpec, location: Location, options: SearchOptions) -> None:
    asked = ("executor", "address", "cpus_per_trial", "gpus_per_trial", "max_concurrent", "time_budget")
    studied = ("model", "task", "trainable", "sampler", "num_configs", "num_seeds")
    _log.info(
        "%d trials to run, %d already done",
        *(work.total, work.done),
        extra={
            "event": "search_started",
            "study": location.name,
            **{name: getattr(options, name) for name in asked},
            **{name: getattr(spec, name) for name in studied},
            "space": spec.space.name,
            "recipes": options.recipe_names,
            "planned": work.total + work.done,
            "missing": work.total,
        },
    )


def _log_stop(total: int, ended: int, errors: int) -> None:
    _log.info(
        "%d trials ended, %d of them in an error; %d left",
        *(ended, errors, total - ended),
        extra={
            "event": "search_stopped" if ended < total else "search_finished",
            "ended": ended,
            "errors": errors,
            "left": total - ended,
        },
    )


def _print_plan(
    received: StudySpec, location: Location, rule: SuccessRule, options: SearchOptions, console: Console
) -> None:
    work = work_left(received, location, options.executor)
    console.print(f"study {options.folder}: {what_is_compared(received)}", markup=False)
    most = "" if received.stop_rule is None else " at most"
    console.print(f"{work.total + work.done} trials{most}, {work.done} already done, {work.total} to run{most}")
    seconds = estimated_seconds(work, received, location)
    if seconds is None:
        console.print("estimated time: unknown until the first trials of this study have run")
    else:
        console.print(
            f"estimated time: {duration(seconds)} with 1 worker, {duration(seconds / 2)} with 2, "
            f"{duration(seconds / 16)} with 16",
            highlight=False,
        )
    sizes, basis = planned_sizes(received, location, rule, options.price_per_hour)
    if sizes:
        print_sizes(sizes, basis, console)
