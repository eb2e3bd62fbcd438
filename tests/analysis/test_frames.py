from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tune_stability.analysis import judge, success_arrays
from tune_stability.analysis.frames import independent
from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.outcomes import SuccessRule
from tune_stability.spaces import SearchSpace

SPACE = SearchSpace("test", (Axis("learning_rate", 1e-6, 1e-4, "log"),))


def row(recipe: str, index: int, seed: int, score: float, **changes: object) -> dict[str, object]:
    return {
        "recipe": recipe,
        "config_index": index,
        "seed": seed,
        "score": score,
        "majority_score": 0.5,
        "source": "design",
        "status": "completed",
        "learning_rate": 10.0 ** (index % 3 - 6),
        **changes,
    }


def table(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def test_pivot_by_hand() -> None:
    frame = table(
        row("b", 2, 21, 0.9),
        row("b", 0, 1, 0.5),
        row("a", 0, 7, 0.4),
        row("a", 2, 20, 0.8),
        row("a", 0, 1, 0.6),
        row("b", 0, 7, np.nan),
        row("a", 2, 21, np.nan, status="error"),
        row("a", 2, 5, 0.1),
        row("c", 9, 0, 0.9),
    )
    arms = success_arrays(frame, ["a", "b"], SPACE)
    # Configurations 0 and 2; seeds 1, 7 and 5, 20, 21. A diverged run (no score) failed; an error is missing.
    nan = np.nan
    np.testing.assert_array_equal(arms.success["a"], [[1, 0, nan], [0, 1, nan]])
    np.testing.assert_array_equal(arms.success["b"], [[0, 0, nan], [nan, nan, 1]])
    assert list(arms.configurations.index) == [0, 2]
    np.testing.assert_allclose(arms.points, [[0.0], [1.0]], atol=1e-12)
    assert arms.dropped == 0


@pytest.mark.parametrize(
    ("replicates", "expected"),
    [({"a": [4, 5], "b": [4, 5]}, [4, 5]), ({"a": [4, 5], "b": [4, None]}, None), ({}, None)],
)
def test_the_replicates_of_the_configurations(replicates: dict[str, list[int | None]], expected: object) -> None:
    rows = [
        row(recipe, index, 1, 0.9, **({"replicate": replicates[recipe][place]} if replicates else {}))
        for recipe in ("b", "a")
        for place, index in enumerate((0, 2))
    ]
    found = success_arrays(table(*rows), ["a", "b"], SPACE).replicate
    assert (found if found is None else found.tolist()) == expected


def seeds(init: int | None, data: int | None, dropout: int | None) -> dict[str, object]:
    return {"init_seed": init, "data_seed": data, "dropout_seed": dropout}


def test_of_trials_that_share_seeds_those_are_used_that_do_not() -> None:
    frame = table(
        row("a", 0, 0, 0.9, **seeds(0, 0, 0)),
        row("a", 0, 1, 0.9, **seeds(0, 0, 1)),
        row("a", 0, 6, 0.9, **seeds(1, 1, 0)),
        row("a", 0, 7, 0.1, **seeds(1, 1, 1)),
    ).astype(dict.fromkeys(seeds(0, 0, 0), "Int64"))
    assert list(independent(frame)) == [True, False, False, True]
    np.testing.assert_array_equal(success_arrays(frame, ["a"], SPACE).success["a"], [[1, 0]])


@pytest.mark.parametrize("columns", [{}, seeds(None, None, None)])
def test_a_table_from_before_seeds_were_taken_apart_is_used_whole(columns: dict[str, object]) -> None:
    frame = table(*(row("a", 0, seed, 0.9, **columns) for seed in range(3)))
    frame = frame.astype(dict.fromkeys(columns, "Int64"))
    assert independent(frame).all()
    assert success_arrays(frame, ["a"], SPACE).success["a"].shape == (1, 3)


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    frame = table(*(row(r, i, 100 * i + s, rng.random()) for r in "ab" for i in range(12) for s in range(4)))
    one = success_arrays(frame, ["a", "b"], SPACE)
    other = success_arrays(frame.sample(frac=1, random_state=1), ["a", "b"], SPACE)
    for name in "ab":
        np.testing.assert_array_equal(one.success[name], other.success[name])


def test_only_common_configurations_and_design_rows_are_kept() -> None:
    frame = table(
        row("a", 0, 0, 0.9),
        row("a", 1, 0, 0.9),
        row("b", 1, 0, 0.9),
        row("b", 1, 0, 0.1, source="adaptive", learning_rate=5e-5),
        row("b", 2, 0, 0.1, source="adaptive"),
    )
    arms = success_arrays(frame, ["a", "b"], SPACE)
    assert list(arms.configurations.index) == [1]
    assert arms.dropped == 1
    np.testing.assert_array_equal(arms.success["b"], [[1]])


def test_within_counts_adaptive_rows_and_every_recipe_for_the_best_median() -> None:
    frame = table(
        row("a", 0, 0, 0.60),
        row("a", 1, 0, 0.71),
        row("b", 0, 0, 0.70),
        row("b", 3, 0, 0.90, source="adaptive"),
        row("b", 3, 1, 0.80, source="adaptive"),
        row("b", 3, 2, np.nan, source="adaptive"),
        row("b", 4, 0, np.nan, status="error"),
    )
    # The best median is 0.80, of (none, 0.80, 0.90); half of the way from 0.5 is 0.65.
    judged = judge(frame, SuccessRule.parse("within:0.5"))
    np.testing.assert_array_equal(judged, [0, 1, 1, 1, 1, 0, np.nan])
    np.testing.assert_array_equal(judge(frame, SuccessRule.parse("margin:0.25")), [0, 0, 0, 1, 1, 0, np.nan])


def test_judge_without_any_completed_trial() -> None:
    frame = table(row("a", 0, 0, np.nan, status="error"))
    assert judge(frame, SuccessRule.parse("within:0.9")).isna().all()


def test_success_arrays_of_a_space_with_choices() -> None:
    space = SearchSpace("c", (*SPACE.axes, ChoiceAxis("lr_scheduler_type", ("linear", "cosine"))))
    kinds = ["linear", "cosine", "linear", "cosine"]
    frame = table(*(row(r, i, i, 0.9, lr_scheduler_type=kinds[i]) for r in "ab" for i in range(4)))
    arms = success_arrays(frame, ["a", "b"], space)
    assert list(arms.configurations["lr_scheduler_type"]) == kinds
    np.testing.assert_allclose(arms.points[:, 1], [0.125, 0.625, 0.375, 0.875])
    frame.loc[5, "lr_scheduler_type"] = "linear"
    with pytest.raises(UserError, match="config_index 1 is not the same configuration in every trial"):
        success_arrays(frame, ["a", "b"], space)


GOOD = table(row("a", 0, 0, 0.9), row("b", 0, 0, 0.9))


@pytest.mark.parametrize(
    ("frame", "recipes", "message"),
    [
        (GOOD.drop(columns=["score", "seed"]), ["a"], "lacks the columns seed, score"),
        (GOOD.drop(columns=["learning_rate"]), ["a"], "lacks the columns learning_rate"),
        (GOOD, ["a", "c"], "unknown recipe 'c'"),
        (GOOD.iloc[:0], ["a"], "the table of trials has no rows; run the study first"),
        (pd.concat([GOOD, GOOD]), ["a"], "several trials"),
        (table(row("a", 0, 0, 0.9), row("b", 1, 0, 0.9)), ["a", "b"], "no common configuration"),
        (GOOD.assign(source="adaptive"), ["a"], "the recipe 'a' has no design rows"),
        (GOOD.assign(majority_score=np.nan), ["a"], "2 completed trials have no majority_score"),
        (
            GOOD.assign(learning_rate=2e-4),
            ["a"],
            "learning_rate is 0.0002 in a trial, and this space has it from 1e-06",
        ),
        (GOOD.assign(learning_rate=0.0), ["a"], "learning_rate is 0 in a trial"),
        (GOOD.assign(learning_rate=np.nan), ["a"], "learning_rate is nan in a trial"),
        (table(row("a", 0, 0, 0.9), row("b", 0, 0, 0.9, learning_rate=3e-6)), ["a", "b"], "different designs"),
    ],
)
def test_bad_input(frame: pd.DataFrame, recipes: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        success_arrays(frame, recipes, SPACE)
