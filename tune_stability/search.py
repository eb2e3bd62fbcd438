"""`python -m tune_stability.search`: run a hyperparameter-robustness study and print its answer."""

from __future__ import annotations

import functools
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from tune_stability.display.console import damage_told_once, make_console
from tune_stability.errors import UserError
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES
from tune_stability.options import MAX_CONFIGS, NUM_CONFIGS, SearchOptions, search_options

_DEFAULTS = SearchOptions()


def _help(text: str, name: str) -> str:
    return f"{text} Default: {getattr(_DEFAULTS, name)}."


def search(
    space: Annotated[str | None, typer.Option(help=_help("lr, narrow, wide or FILE.toml.", "space"))] = None,
    recipes: Annotated[str | None, typer.Option(help=_help("Arms, the baseline first.", "recipes"))] = None,
    model: Annotated[str | None, typer.Option(help=_help("Embedded model, folder or hub id.", "model"))] = None,
    task: Annotated[
        str | None, typer.Option(help=_help("grammar, one of GLUE, scitail or file:TRAIN,VALIDATION.", "task"))
    ] = None,
    data_dir: Annotated[
        str | None, typer.Option(help="Folder with a folder for each named task, as nyu-mll/glue. Default: the hub.")
    ] = None,
    text_columns: Annotated[str | None, typer.Option(help="Columns of text of a file: task, one or two: a,b.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column of labels of a file: task. Default: label.")] = None,
    metric: Annotated[str | None, typer.Option(help="accuracy, f1, accuracy_and_f1 or matthews_correlation.")] = None,
    train_size: Annotated[int | None, typer.Option(help="Examples drawn from the training set. Default: all.")] = None,
    train_seed: Annotated[int | None, typer.Option(help="Seed of that drawing. Default: 0.")] = None,
    train_steps: Annotated[int | None, typer.Option(help="Steps of every trial, instead of its epochs.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32 or bf16. Default: fp32.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help=f"A hyperparameter for all arms: dropout=0. Repeatable. Names: {', '.join(HYPERPARAMETER_NAMES)}.",
        ),
    ] = None,
    sampler: Annotated[
        str | None, typer.Option(help=_help("sobol, grid, random, boundary, tpe or gp.", "sampler"))
    ] = None,
    num_configs: Annotated[
        int | None,
        typer.Option(help=f"Configurations. Default: {NUM_CONFIGS}, with --until-width at most {MAX_CONFIGS}."),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help=_help("Seeds per configuration and arm.", "seeds"))] = None,
    replicates: Annotated[
        int | None, typer.Option(help=_help("Independent scrambles that make up a Sobol design.", "replicates"))
    ] = None,
    seed_scheme: Annotated[
        str | None,
        typer.Option(help=_help("single, or factorial: seeds^3 trials, which split the variance.", "seed_scheme")),
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Study folder or URL. Default: results/local/SPACE-MODEL-TASK.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Ray cluster: auto, HOST:PORT or ray://HOST:10001. Default: this machine.")
    ] = None,
    cpus_per_trial: Annotated[
        float | None, typer.Option(help=_help("Cores reserved a trial.", "cpus_per_trial"))
    ] = None,
    gpus_per_trial: Annotated[
        float | None, typer.Option(help="GPUs or share of one. Default: 1 where there is one.")
    ] = None,
    max_concurrent: Annotated[int | None, typer.Option(help="Most trials at once. Default: what fits.")] = None,
    max_retries: Annotated[
        int | None, typer.Option(help=_help("How often a trial that raised an error is tried again.", "max_retries"))
    ] = None,
    trial_timeout: Annotated[
        str | None, typer.Option(help="A trial that runs for longer is an error: 90s, 15m, 1.5h. Default: no limit.")
    ] = None,
    time_budget: Annotated[str | None, typer.Option(help="Start no trial after so long: 90s, 15m, 1.5h.")] = None,
    until_width: Annotated[
        str | None,
        typer.Option(help="Add configurations until the widening's interval is so wide at most: 0.10 is 10 points."),
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(help="Steps between checkpoints of a trial in flight. Default: none.")
    ] = None,
    success_rule: Annotated[
        str | None, typer.Option(help=_help("majority, margin:0.05 or within:0.95, for the summary.", "success_rule"))
    ] = None,
    design_seed: Annotated[
        int | None, typer.Option(help=_help("Seed of the design or sampler.", "design_seed"))
    ] = None,
    trainable: Annotated[str | None, typer.Option(help="Your own trial function, package.module:function.")] = None,
    executor: Annotated[str | None, typer.Option(help=_help("ray, or local (this process).", "executor"))] = None,
    log_to: Annotated[
        list[str] | None, typer.Option(help="tensorboard, mlflow or wandb, through Ray. Repeatable, or a,b.")
    ] = None,
    log_file: Annotated[
        str | None, typer.Option(help="File for the search's own events, JSON lines. Default: OUT/search.jsonl.")
    ] = None,
    study: Annotated[Path | None, typer.Option(help="TOML file with any of these options.")] = None,
    plan: Annotated[bool | None, typer.Option("--plan", help="Print what would run, and run nothing.")] = None,
    price_per_hour: Annotated[float | None, typer.Option(help="What a worker costs an hour, for --plan.")] = None,
    verbose: Annotated[bool | None, typer.Option("--verbose", help="Let Ray and transformers talk.")] = None,
) -> None:
    """Run a hyperparameter-robustness study; run again, it goes on where it was."""
    given = {name: value for name, value in locals().items() if name not in ("study", "given")}
    given["settings"] = tuple(settings) if settings else None
    given["log_to"] = ",".join(log_to) if log_to else None
    console = make_console()
    try:
        with damage_told_once():
            options = search_options(study, given)
            # Imported here so that --help and bad options answer at once.
            from tune_stability.running import run_search

            run_search(options, console, resume_command=_command())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        print(f"\nStopped. What had ended is stored; to go on: {_command()}", file=sys.stderr)
        raise typer.Exit(130) from None


@functools.cache
def _command() -> str:
    program = Path(sys.argv[0])
    start = ["python", "-m", "tune_stability.search"] if program.name == "search.py" else [program.name]
    return shlex.join([*start, *sys.argv[1:]])


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(search)
    app()
