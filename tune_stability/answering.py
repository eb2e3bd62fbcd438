"""From a store to the answer: the tables in the terminal and the picture beside the Parquet."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from rich.console import Console

from tune_stability.analysis import seed_arrays, summarize, variance_split
from tune_stability.commands import report_command
from tune_stability.display.looks import print_looks
from tune_stability.display.summary import print_best, print_summary
from tune_stability.display.variance import print_variance
from tune_stability.errors import UserError
from tune_stability.outcomes import SuccessRule
from tune_stability.plots import region_figure
from tune_stability.sampling.enumeration import design_to_analyse, what_is_compared
from tune_stability.stopping import latest_looks
from tune_stability.store import Location, load_results
from tune_stability.studies import StudySpec
from tune_stability.views import StudyView


def answer(
    spec: StudySpec, first_recipes: Sequence[str], location: Location, rule: SuccessRule, console: Console
) -> None:
    """Print what the study shows by `rule`, and save its picture. The first of `first_recipes` is the baseline.

    Raises `UserError` if every trial ended in an error.
    """
    frame = load_results(location)
    completed = frame[frame["status"] == "completed"]
    if completed.empty and not frame.empty:
        brief = str(frame["error"].iloc[0]).strip().splitlines()[-1]
        raise UserError(f"all {len(frame)} trials ended in an error, such as {brief!r}; mend it and run again.")
    if completed.empty:
        console.print("no trial has completed, so there is nothing to show yet", style="yellow")
        return
    design = design_to_analyse(spec, len(completed))
    if design is None:
        print_best(frame, spec.space, rule, console)
        return
    # An arm that has no design row yet has nothing to show; the others do.
    names = dict.fromkeys([*first_recipes, *(recipe.name for recipe in spec.recipes)])
    begun = set(frame.loc[frame["source"] == "design", "recipe"])
    recipes = [name for name in names if name in begun]
    if not recipes:
        console.print("no trial of the design has ended, so the region is not known yet", style="yellow")
        return
    planned = spec.planned_trials
    if len(completed) < planned:
        console.print(
            f"{planned - len(completed)} of {planned} planned trials have no outcome; what follows is of the others.",
            style="yellow",
        )
    rng = np.random.default_rng(spec.design_seed)
    summary = summarize(frame, recipes, spec.space, design, rule, rng)
    print_summary(summary, what_is_compared(spec), console)
    if spec.stop_rule is not None and len(recipes) > 1:
        print_looks(latest_looks(spec, recipes, frame, rule), recipes[0], console)
    if spec.seed_scheme == "factorial" and spec.num_seeds > 1:
        scores = {recipe: seed_arrays(frame, recipe, spec.num_seeds) for recipe in recipes}
        print_variance({recipe: variance_split(scores[recipe], rng) for recipe in recipes}, console)
    steps = frame.iloc[:0]
    figure = region_figure(StudyView(spec, frame, steps, steps, location.name, rule, tuple(recipes), design, summary))
    if figure is not None:
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=150)
        # The same picture is left alone, so that a finished study can be looked at where it cannot be written.
        if location.read(location.picture_file) != png.getvalue():
            location.write(location.picture_file, png.getvalue())
        console.print(f"picture: {location.shown(location.picture_file)}", markup=False)
    console.print(f"to look closer: {report_command([location.name], [])}", markup=False, soft_wrap=True)
