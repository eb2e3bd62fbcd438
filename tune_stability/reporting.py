"""From a store to a page and a folder of figures."""

from __future__ import annotations

import dataclasses
import io
import warnings
from collections.abc import Sequence

import pandas as pd
from rich.console import Console

from tune_stability.commands import report_command
from tune_stability.errors import StoreWarning, UserError
from tune_stability.outcomes import SuccessRule
from tune_stability.page import render_page
from tune_stability.plots import COLLECTION
from tune_stability.plots.style import for_print
from tune_stability.sampling.enumeration import design_to_analyse
from tune_stability.store import Location, load_results, locate, read_study
from tune_stability.studies import StudySpec
from tune_stability.views import StudyView, chosen_trials, view_study


def write_report(
    stores: Sequence[str],
    rules: Sequence[str],
    recipes: Sequence[str],
    out: str,
    console: Console,
    reload_seconds: float = 0,
) -> None:
    """Put the page of a study, or of two side by side, and the figures of one into the folder or URL `out`.

    `rules` as in `--success-rule`; the first of `recipes` is the baseline, the last the treatment. `reload_seconds`
    after which an open page opens itself anew, 0 for never. Every file is put in place whole. Raises `UserError` for
    bad input.
    """
    parsed = [SuccessRule.parse(rule) for rule in rules]
    command = report_command([locate(store).name for store in stores], rules, recipes)
    studies = [
        [dataclasses.replace(view, command=command) for view in study_views(store, parsed, recipes)] for store in stores
    ]
    location = locate(out)
    page = location.page_file if len(stores) == 1 else location.comparison_file(studies[1][0].spec.name)
    location.make_root()
    location.write(page, render_page(studies, reload_seconds).encode())
    console.print(f"page: {location.shown(page)}", markup=False, soft_wrap=True)
    figures = write_figures(location, studies[0][0]) if len(stores) == 1 else []
    if figures:
        folder = figures[0].rpartition("/")[0]
        console.print(f"figures: {location.shown(folder)} ({len(figures)} files)", markup=False, soft_wrap=True)


def study_views(store: str, rules: Sequence[SuccessRule], recipes: Sequence[str] = ()) -> list[StudyView]:
    """The study at `store`, a folder or URL, as each rule judges it. Of `recipes` the first is the baseline.

    Where there are several, the last is the treatment, which the first screen compares with it.

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
    others = [recipe.name for recipe in spec.recipes if recipe.name not in recipes]
    names = list(dict.fromkeys([*recipes[:1], *others, *recipes[1:]]))
    unknown = [name for name in recipes if name not in {recipe.name for recipe in spec.recipes}]
    if unknown:
        raise UserError(
            f"{store} has no recipe {unknown[0]!r}; it has {', '.join(recipe.name for recipe in spec.recipes)}."
        )
    design = design_to_analyse(spec, int((trials["status"] == "completed").sum()))
    place = locate(store).name
    views = [view_study(spec, trials, curves, gradients, place, rule, names, design) for rule in rules]
    damage = tuple(dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, StoreWarning)))
    return [dataclasses.replace(view, damage=damage) for view in views]


def write_figures(location: Location, view: StudyView) -> list[str]:
    """Put the figures for print in a folder, each as PDF and PNG; their paths."""
    written = []
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


def _steps(store: str, spec: StudySpec, trials: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The curves and gradients of the chosen trials alone; those of all would be the bulk of a store."""
    chosen = list(chosen_trials(trials, spec.space)["trial_id"])
    return load_results(store, table="curves", trial_ids=chosen), load_results(
        store, table="gradients", trial_ids=chosen
    )
