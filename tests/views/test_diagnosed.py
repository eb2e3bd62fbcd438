from __future__ import annotations

import math

import pandas as pd
import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.outcomes import SuccessRule
from tune_stability.recipes import get_recipe
from tune_stability.spaces import SearchSpace
from tune_stability.studies import StudySpec
from tune_stability.views import StudyView, chosen_trials, gradient_table, score_loss_table, training_curve_table
from tune_stability.views.diagnosed import MOST_GROUPS

# Two decades of learning rate, so that a place is half the logarithm.
RATES = SearchSpace("rates", (Axis("learning_rate", 1e-4, 1e-2, "log"),))


def trial(name: str, rate: float, outcome: str | None, mode: str | None = None, **more: object) -> dict[str, object]:
    row: dict[str, object] = {field: getattr(Hyperparameters(), field) for field in Hyperparameters.__annotations__}
    row |= {"trial_id": name, "recipe": "stable", "source": "design", "config_index": 0, "seed": 0}
    row |= {
        "status": "completed" if outcome else "error",
        "outcome": outcome,
        "failure_mode": mode,
        "metric": "accuracy",
    }
    row |= {"score": 0.9 if outcome == "success" else 0.5, "majority_score": 0.5, "train_loss": 0.1}
    return {**row, "learning_rate": rate, **more}


def view(
    trials: list[dict[str, object]], curves: object = (), gradients: object = (), rule: str = "majority"
) -> StudyView:
    spec = StudySpec(
        name="a", model="m", model_revision="r", task="t", task_fingerprint="f", trainable="p:f", space=RATES,
        recipes=(get_recipe("stable"),), reference_learning_rate=1e-3, sampler="sobol", design_seed=0, num_configs=1,
        num_seeds=1,
    )  # fmt: skip
    steps = pd.DataFrame(curves, columns=["trial_id", "step", "loss", "score"])
    norms = pd.DataFrame(gradients, columns=["trial_id", "step", "layer_group", "norm"])
    return StudyView(spec, pd.DataFrame(trials), steps, norms, "here", SuccessRule.parse(rule), ("stable",), None, None)


def chosen(trials: list[dict[str, object]], space: SearchSpace = RATES) -> list[tuple[str, str, str]]:
    table = chosen_trials(pd.DataFrame(trials), space)
    return list(table[["failure_mode", "part", "trial_id"]].itertuples(index=False, name=None))


U, V = "undertrained", "vanishing_gradients"


def test_each_mode_has_its_trial_of_median_rate_and_the_nearest_success() -> None:
    trials = [
        trial("u", 1e-4, "failed", U),
        trial("v1", 2e-3, "failed", V),
        trial("v2", 9e-3, "failed", V),
        trial("v3", 5e-3, "failed", V),
        trial("low", 3e-4, "success"),
        trial("high", 1e-3, "success"),
        trial("crash", 5e-3, None),
    ]
    assert chosen(trials) == [(V, "failed", "v3"), (V, "success", "high"), (U, "failed", "u"), (U, "success", "low")]


def test_another_switch_is_as_far_as_the_whole_axis() -> None:
    def nearest(rate: float) -> str:
        failed = trial("f", 1e-4, "failed", V, bias_correction=False)
        own = trial("own", rate, "success", bias_correction=False)
        return chosen([failed, trial("other", 2e-4, "success"), own])[1][2]

    # .15 of the axis and a switch are 1.15; .95 of the axis are less, all of it and a bit more are more.
    assert nearest(10**-2.1) == "own"
    assert nearest(10**-1.6) == "other"


def test_choices_have_places_too() -> None:
    space = SearchSpace("own", (ChoiceAxis("lr_scheduler_type", ("linear", "cosine", "constant")),))
    trials = [
        trial("f", 1e-3, "failed", U, lr_scheduler_type="linear"),
        trial("far", 1e-3, "success", lr_scheduler_type="constant"),
        trial("near", 1e-3, "success", lr_scheduler_type="cosine"),
    ]
    assert chosen(trials, space)[1] == (U, "success", "near")


def test_of_equally_near_ones_the_first() -> None:
    assert (
        chosen([trial("f", 1e-3, "failed", U), trial("a", 1e-3, "success"), trial("b", 1e-3, "success")])[1][2] == "a"
    )


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        (
            [trial("a", 1e-3, "success"), trial("b", 2e-3, "success"), trial("c", 3e-3, "success")],
            [("", "success", "b")],
        ),
        ([trial("a", 1e-3, "failed", "diverged")], [("diverged", "failed", "a")]),
        ([trial("a", 1e-3, None)], []),
    ],
    ids=["no failure", "only failures", "only errors"],
)
def test_whatever_happened(trials: list[dict[str, object]], expected: list[tuple[str, str, str]]) -> None:
    assert chosen(trials) == expected
    assert chosen_trials(pd.DataFrame(trials), RATES).columns[:2].tolist() == ["failure_mode", "part"]


def test_gradients_go_from_the_lowest_layers_to_the_highest() -> None:
    groups = ["classifier", "layer_10", "layer_2", "embeddings", "pooler"]
    norms = [(name, step, group, 1.0) for name in ("f", "s", "x") for group in groups for step in (1, 0)]
    table = gradient_table(view([trial("f", 1e-3, "failed", V), trial("s", 1e-3, "success")], gradients=norms))
    assert table["layer_group"].unique().tolist() == ["embeddings", "layer_2", "layer_10", "pooler", "classifier"]
    assert table["trial_id"].unique().tolist() == ["f", "s"]
    assert table[["part", "step"]].head(3).values.tolist() == [["failed", 0], ["failed", 1], ["failed", 0]]
    assert len(table) == 2 * 5 * 2


def test_a_deep_model_shows_some_layers_with_both_ends() -> None:
    groups = ["embeddings", *(f"layer_{k}" for k in range(1, 25)), "pooler", "classifier"]
    table = gradient_table(view([trial("f", 1e-3, "failed", V)], gradients=[("f", 0, group, 1.0) for group in groups]))
    shown = table["layer_group"].tolist()
    assert len(shown) == MOST_GROUPS
    assert shown[:2] == ["embeddings", "layer_1"]
    assert shown[-3:] == ["layer_24", "pooler", "classifier"]


def test_a_trial_that_stands_for_two_modes_has_its_steps_in_both() -> None:
    trials = [trial("f", 1e-3, "failed", V), trial("g", 2e-3, "failed", U), trial("s", 1e-3, "success")]
    steps = [(name, step, 0.7, 0.5 if step else math.nan) for name in ("f", "g", "s") for step in (0, 1)]
    table = training_curve_table(view(trials, curves=steps))
    assert table["trial_id"].tolist() == ["f", "f", "s", "s", "g", "g", "s", "s"]
    assert table["step"].tolist() == [0, 1] * 4
    assert table["score"].notna().tolist() == [False, True] * 4


def test_without_records_there_are_empty_tables_with_columns() -> None:
    empty = view([trial("f", 1e-3, "failed", V)])
    assert gradient_table(empty).columns.tolist()[-3:] == ["layer_group", "step", "norm"]
    assert training_curve_table(empty).empty


def test_score_and_loss_of_every_trial_with_an_outcome_by_the_rule() -> None:
    trials = [trial("s", 1e-3, "success", score=0.6), trial("f", 1e-3, "failed", U), trial("e", 1e-3, None)]
    table = score_loss_table(view(trials, rule="margin:0.2"))
    assert table[["trial_id", "outcome"]].values.tolist() == [["s", "failed"], ["f", "failed"]]
    assert score_loss_table(view(trials))["outcome"].tolist() == ["success", "failed"]
    assert table["failure_mode"].tolist()[1] == U
