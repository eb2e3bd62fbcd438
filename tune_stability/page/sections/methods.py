"""Methods and provenance: what was run, with what, what is missing, and how the numbers were made."""

from __future__ import annotations

import pandas as pd

from tune_stability.hyperparameters import HYPERPARAMETER_NAMES
from tune_stability.page.blocks import Block, Numbers, Section, Text, bold
from tune_stability.page.labels import duration, number
from tune_stability.page.sections.answer import meaning
from tune_stability.views import StudyView
from tune_stability.views.provenance import (
    distrusted_table,
    error_table,
    method_table,
    missing_table,
    origin_table,
    recipe_table,
    space_table,
)

_PAPER = (
    "The question, the recipes devlin and stable and the failure modes are those of: Marius Mosbach, Maksym "
    "Andriushchenko and Dietrich Klakow, On the Stability of Fine-tuning BERT: Misconceptions, Explanations, and "
    "Strong Baselines, ICLR 2021, arXiv 2006.04884. Cite it, the recipes' sources above, and this tool as: "
    "tune_stability, version {version}, Apache License 2.0."
)
_INTERVALS = (
    "A success rate is the mean over the design's configurations of the share of their seeds that succeed. Its "
    "interval is Wilson's with an effective number of trials, which comes from how configurations vary: it speaks "
    "for the whole space and for new seeds, not for another model or task. Widening and ratio compare the same "
    "configurations and seeds in both arms. Basins, and what is drawn as a curve or a surface, are model-based. "
    "Adaptive rows enter only what is called prediction-powered, a diverged run counts as failed, and trials with "
    "an error count as missing at random. How often each interval holds the truth was measured on simulated "
    "studies; where that is less often than it says, the interval is listed below. Each interval stands for itself:"
    " nothing corrects for looking at many of them."
)


def section(view: StudyView) -> Section:
    """What a reader needs to judge the study, to repeat it and to cite it."""
    blocks: list[Block] = [
        Numbers("What was run", _study(view)),
        Numbers("Search space", space_table(view), "Configurations are uniform in the scale of each hyperparameter."),
        Numbers("Recipes", recipe_table(view), _shared(view)),
        Numbers("With what", origin_table(view), f"All trials took {_time(view)} together."),
        Numbers("Trials", missing_table(view), "An error is an execution that crashed: neither success nor failed."),
    ]
    errors = error_table(view)
    if not errors.empty:
        blocks.append(Numbers("Errors", errors, "The last line of each traceback, and the first trial that ended so."))
    blocks += [Text(f"While reading: {text}", is_warning=True) for text in view.damage]
    if view.summary is not None:
        blocks += _intervals(view)
    version = view.trials["tune_stability_version"].dropna()
    blocks.append(
        Text(f"{bold('How to cite.')} " + _PAPER.format(version=version.iloc[-1] if len(version) else "unknown"))
    )
    if view.command:
        blocks.append(Text(f"{bold('This page')} was made by: {view.command}"))
    return Section("methods", "Methods", tuple(blocks))


def _time(view: StudyView) -> str:
    return duration(float(view.trials["seconds"].astype(float).sum()))


def _study(view: StudyView) -> pd.DataFrame:
    spec = view.spec
    rows = [
        ("study", spec.name),
        ("model", f"{spec.model}, revision {spec.model_revision}"),
        ("task", f"{spec.task}, fingerprint {spec.task_fingerprint}"),
        ("trainable", spec.trainable),
        ("sampler", f"{spec.sampler}, seed {spec.design_seed}, scrambles {spec.replicates}"),
        ("configurations", f"{spec.num_configs:,}"),
        (
            "seeds",
            f"{spec.num_seeds} ({spec.seed_scheme}), {spec.trials_per_configuration} trials of each recipe at each",
        ),
        ("success rule", f"{view.rule}: {_rule(view)}"),
    ]
    for name, given in (("of the model's family", spec.family), ("given for all recipes", spec.settings)):
        if given:
            rows.append((name, ", ".join(f"{key} {value}" for key, value in given.items())))
    if spec.stop_rule is not None:
        most = f"{spec.stop_rule.max_configs:,} configurations"
        rows.append(("stop rule", f"until all widenings' intervals are {spec.stop_rule.width:g} wide, {most} at most"))
    return pd.DataFrame(rows, columns=["what", "value"])


def _rule(view: StudyView) -> str:
    if view.completed.empty:
        return "no trial has an outcome yet"
    majority = float(view.completed["majority_score"].astype(float).median())
    return meaning(view.rule, str(view.completed["metric"].iloc[0]), majority)


def _shared(view: StudyView) -> str:
    same = [name for name in HYPERPARAMETER_NAMES if view.trials[name].nunique(dropna=False) == 1]
    if not same:
        return ""
    return "In all trials: " + ", ".join(f"{name} {number(view.trials[name].iloc[0])}" for name in same) + "."


def _intervals(view: StudyView) -> list[Block]:
    said = _INTERVALS
    if view.spec.stop_rule is not None:
        said += " This study looked at its results to decide when to stop; these intervals do not know that."
    blocks: list[Block] = [
        Text(f"{bold('How the intervals are made.')} {said}"),
        Numbers("Method of each", method_table(view)),
    ]
    distrusted = distrusted_table(view)
    if distrusted.empty:
        return [*blocks, Text("No interval has a reason known not to be trusted.")]
    return [
        *blocks,
        Numbers("Not to be trusted", distrusted, "These intervals may hold the truth less often than they say."),
    ]
