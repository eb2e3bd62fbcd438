"""From a store to the answer: the tables in the terminal and the picture beside the Parquet."""

from __future__ import annotations

import io
from typing import cast

import numpy as np
from rich.console import Console

from tune_stability.analysis import Design, summarize
from tune_stability.display.summary import print_best, print_summary
from tune_stability.outcomes import SuccessRule
from tune_stability.plots import region_figure
from tune_stability.sampling.designs import DESIGNS
from tune_stability.sampling.enumeration import what_is_compared
from tune_stability.store import Location, load_results
from tune_stability.studies import StudySpec


def answer(spec: StudySpec, location: Location, rule: SuccessRule, console: Console) -> None:
    """Print what the study shows by `rule`, and save its picture."""
    frame = load_results(location)
    if frame.empty or not (frame["status"] == "completed").any():
        console.print("no trial has completed, so there is nothing to show yet", style="yellow")
        return
    if spec.sampler not in DESIGNS:
        print_best(frame, spec.space, console)
        return
    # An arm that has no row yet has nothing to show; the others do.
    recipes = [recipe.name for recipe in spec.recipes if (frame["recipe"] == recipe.name).any()]
    rng = np.random.default_rng(spec.design_seed)
    summary = summarize(frame, recipes, spec.space, cast(Design, spec.sampler), rule, rng)
    print_summary(summary, what_is_compared(spec), console)
    figure = region_figure(frame, recipes, spec.space, rule)
    if figure is not None:
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=150)
        # The same picture is left alone, so that a finished study can be looked at where it cannot be written.
        if location.read(location.picture_file) != png.getvalue():
            location.write(location.picture_file, png.getvalue())
        console.print(f"picture: {location.picture_file}", markup=False)
