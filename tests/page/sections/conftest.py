"""Studies as the page sees them, made from letters."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd
import pytest

from tune_stability.outcomes import SuccessRule
from tune_stability.recipes import get_recipe
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.studies import StudySpec
from tune_stability.views import StudyView, chosen_trials, view_study

WIDE = get_space("wide", 2e-5)
ORIGIN = {
    "train_loss": 0.5, "best_score": 0.5, "gradient_start": 0.1, "gradient_end": 0.01, "steps": 4, "seconds": 90.0,
    "device": "cpu", "started_at": pd.Timestamp("2026-01-02 03:04", tz="UTC"), "contract_version": 1, "error": None,
    "tune_stability_version": "0.1.0", "python_version": "3.11.7", "torch_version": None, "transformers_version": None,
    "git_commit": "abc",
}  # fmt: skip
StudyMaker = Callable[..., StudyView]


@pytest.fixture
def view_of(make_frame) -> StudyMaker:
    """Makes the view of a study in which `letter(recipe, index, seed)` says how each trial ended, as in `make_frame`.

    `has_summary` computes the statistics, which takes a moment. `edit` changes the table of trials first.
    """

    def make(
        letter: Callable[[str, int, int], str],
        n_configs: int = 4,
        n_seeds: int = 2,
        space: SearchSpace = WIDE,
        rule: str = "majority",
        has_summary: bool = False,
        edit: Callable[[pd.DataFrame], pd.DataFrame] = lambda trials: trials,
    ) -> StudyView:
        trials = make_frame(letter, n_configs=n_configs, n_seeds=n_seeds, space=space).assign(**ORIGIN)
        trials["trial_id"] = [f"{place:020x}" for place in range(len(trials))]
        diverged = trials["failure_mode"] == "diverged"
        trials.loc[diverged, ["train_loss", "score"]] = math.nan
        trials.loc[trials["status"] == "error", "error"] = "Traceback\n  File x\nRuntimeError: out of memory\n"
        trials = edit(trials)
        ids = chosen_trials(trials, space)["trial_id"].unique().tolist()
        curves = [
            (name, step, 0.7 - step / 10, 0.1 * step if step % 2 else math.nan) for name in ids for step in range(4)
        ]
        groups = ("classifier", "layer_1")
        norms = [(name, step, group, 0.1**step) for name in ids for step in range(4) for group in groups]
        spec = StudySpec(
            name="a", model="<script>alert(1)</script>", model_revision="r", task="t", task_fingerprint="f",
            trainable="p:f", space=space, recipes=(get_recipe("devlin"), get_recipe("stable")),
            reference_learning_rate=2e-5, sampler="sobol", design_seed=0, num_configs=n_configs, num_seeds=n_seeds,
        )  # fmt: skip
        steps = (
            pd.DataFrame(curves, columns=["trial_id", "step", "loss", "score"]),
            pd.DataFrame(norms, columns=["trial_id", "step", "layer_group", "norm"]),
        )
        names = ["devlin", "stable"]
        design = "sobol" if has_summary else None
        return view_study(spec, trials, *steps, "here", SuccessRule.parse(rule), names, design)

    return make
