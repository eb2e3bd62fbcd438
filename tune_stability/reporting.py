"""From a store to a page and a folder of figures."""

from __future__ import annotations

import dataclasses
import io
import warnings
from collections.abc import Sequence
from typing import cast

import pandas as pd

from tune_stability.analysis import Design
from tune_stability.commands import report_command
from tune_stability.errors import StoreWarning, UserError
from tune_stability.outcomes import SuccessRule
from tune_stability.page import render_page
from tune_stability.plots import COLLECTION
from tune_stability.plots.style import for_print
from tune_stability.sampling.designs import DESIGNS
from tune_stability.sampling.enumeration import BOUNDARY
from tune_stability.store import load_results, locate, read_study
from tune_stability.studies import StudySpec
from tune_stability.views import StudyView, chosen_trials, view_study

RULES = ("majority", "margin:0.05", "within:0.95")


def study_views(store: str, rules: Sequence[SuccessRule], recipes: Sequence[str] = ()) -> list[StudyView]:
    """The study at `store`, a folder or URL, as each rule judges it. The first of `recipes` is the baseline.

    Raises `UserError` if there is no study, or no trial of it.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", StoreWarning)
        spec, trials = read_study(store), load_results(store)
        curves, gradients = _steps(store, spec, trials)
    # Each table was read, and each reading warns of the same files.
    for warning in {str(one.message): one for one in caught}.values():
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if trials.empty:
        raise UserError(f"{store} has no trial yet; run the search first, or add --watch to wait for it.")
    names = list(dict.fromkeys([*recipes, *(recipe.name for recipe in spec.recipes)]))
    unknown = [name for name in recipes if name not in {recipe.name for recipe in spec.recipes}]
    if unknown:
        raise UserError(
            f"{store} has no recipe {unknown[0]!r}; it has {', '.join(recipe.name for recipe in spec.recipes)}."
        )
    design, place = _design(spec, trials), locate(store).name
    views = [view_study(spec, trials, curves, gradients, place, rule, names, design) for rule in rules]
    command = report_command(place, [str(rule) for rule in rules], recipes)
    damage = tuple(dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, StoreWarning)))
    return [dataclasses.replace(view, command=command, damage=damage) for view in views]


def write_page(store: str, views: Sequence[StudyView]) -> str:
    """Put the page of the study beside its Parquet, whole or not at all; its path."""
    location = locate(store)
    location.write(location.page_file, render_page(views).encode())
    return location.page_file


def write_figures(store: str, view: StudyView) -> list[str]:
    """Put the figures for print in the study's folder, each as PDF and PNG; their paths."""
    location, written = locate(store), []
    for name, draw in COLLECTION.items():
        with for_print():
            figure = draw(view)
            if figure is None:
                continue
            for kind in ("pdf", "png"):
                data = io.BytesIO()
                # Without its date the same figure is the same file.
                figure.savefig(data, format=kind, dpi=300, metadata={"CreationDate": None} if kind == "pdf" else None)
                written.append(location.figure(f"{name}.{kind}"))
                location.write(written[-1], data.getvalue())
    return written


def _design(spec: StudySpec, trials: pd.DataFrame) -> Design | None:
    if spec.sampler == BOUNDARY:
        return "sobol"
    if spec.sampler not in DESIGNS:
        return None
    completed = int((trials["status"] == "completed").sum())
    planned = spec.num_configs * spec.trials_per_configuration * len(spec.recipes)
    # What has run of a grid is a random part of it.
    return "random" if spec.sampler == "grid" and completed < planned else cast(Design, spec.sampler)


def _steps(store: str, spec: StudySpec, trials: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The curves and gradients of the chosen trials alone; those of all would be the bulk of a store."""
    chosen = list(chosen_trials(trials, spec.space)["trial_id"])
    return load_results(store, table="curves", trial_ids=chosen), load_results(
        store, table="gradients", trial_ids=chosen
    )
