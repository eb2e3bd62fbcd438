from __future__ import annotations

import subprocess
import sys

import numpy as np
import optuna
import pandas as pd
import pytest

from tune_stability.analysis.importance import importance
from tune_stability.analysis.importance_optuna import cube_place, good_trials, optuna_importances
from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.spaces import SearchSpace

RATE, WARMUP = Axis("learning_rate", 1e-6, 1e-2, "log"), Axis("warmup_ratio", 0.0, 0.3)
EPOCHS, SCHEDULE = Axis("num_epochs", 1, 20, "log"), ChoiceAxis("lr_scheduler_type", ("linear", "cosine"))
SPACE = SearchSpace("two", (RATE, WARMUP))


def make(space: SearchSpace, n_configs: int = 40, n_seeds: int = 2, axis: int = 0) -> pd.DataFrame:
    """A table of trials whose success and score only the given axis decides: good in its lower third."""
    points = np.random.default_rng(0).random((n_configs, len(space.axes)))
    rows = []
    for index, point in enumerate(points):
        for seed in range(n_seeds):
            score = 0.9 - 0.2 * point[axis] if point[axis] < 1 / 3 else 0.4
            rows.append(
                {
                    "recipe": "devlin",
                    "config_index": index,
                    "source": "design",
                    "seed": 10 * index + seed,
                    "status": "completed",
                    "score": score,
                    "majority_score": 0.5,
                    **space.configuration(point),
                }
            )
    return pd.DataFrame(rows)


def shares(table: pd.DataFrame, target: str, evaluator: str) -> dict[str, float]:
    rows = table[(table["target"] == target) & (table["evaluator"] == evaluator)]
    return dict(zip(rows["hyperparameter"], rows["importance"], strict=True))


@pytest.mark.parametrize(
    ("space", "axis"),
    [(SPACE, 0), (SPACE, 1), (SearchSpace("mixed", (RATE, EPOCHS, SCHEDULE)), 1)],
    ids=["learning rate", "warmup", "epochs"],
)
def test_the_axis_that_decides_has_nearly_all(space: SearchSpace, axis: int) -> None:
    table = importance(make(space, axis=axis), space)
    assert len(table) == 4 * len(space.axes)
    for target in ("success", "score"):
        for evaluator in ("ped_anova", "fanova"):
            found = shares(table, target, evaluator)
            assert sum(found.values()) == pytest.approx(1)
            assert found[space.names[axis]] > 0.8


# Optuna says so up to version 4.8.
@pytest.mark.filterwarnings("ignore:PedAnovaImportanceEvaluator is experimental")
def test_numbers_are_those_of_optuna_called_directly() -> None:
    frame = make(SPACE)
    unit = optuna.distributions.FloatDistribution(0, 1)
    study = optuna.create_study(direction="maximize")
    for row in frame.itertuples():
        study.add_trial(
            optuna.trial.create_trial(
                params={"learning_rate": np.log10(row.learning_rate * 1e6) / 4, "warmup_ratio": row.warmup_ratio / 0.3},
                distributions={"learning_rate": unit, "warmup_ratio": unit},
                value=float(row.score > 0.5),
            )
        )
    wins = int((frame["score"] > 0.5).sum())
    evaluators = {
        "ped_anova": optuna.importance.PedAnovaImportanceEvaluator(target_quantile=(wins - 0.5) / len(frame)),
        "fanova": optuna.importance.FanovaImportanceEvaluator(seed=int(np.random.default_rng(3).integers(2**31))),
    }
    table = importance(frame, SPACE, rng=np.random.default_rng(3))
    for name, evaluator in evaluators.items():
        expected = optuna.importance.get_param_importances(study, evaluator=evaluator)
        assert shares(table, "success", name) == pytest.approx(expected, rel=1e-6)


def test_a_log_axis_counts_by_its_scale() -> None:
    # Success in the lower half of the decades is success in a hundredth of the plain range.
    frame = make(SPACE)
    frame["score"] = np.where(frame["learning_rate"] < 1e-4, 0.9, 0.4)
    assert shares(importance(frame, SPACE), "success", "fanova")["learning_rate"] > 0.9


@pytest.mark.parametrize(
    ("values", "good"),
    [
        ([0.0] * 50 + [1.0] * 50, 50),
        ([0.0] * 98 + [1.0] * 2, 2),
        ([float(i) for i in range(100)], 10),
        ([float(i) for i in range(20)], 5),
        ([0.0] * 90 + [float(i) for i in range(1, 11)], 10),
        ([0.0] * 97 + [1.0, 2.0, 3.0], 3),
        ([1.0] * 2 + [0.0], 2),
        ([0.0, 1.0, 2.0], 2),
    ],
)
def test_good_trials(values: list[float], good: int) -> None:
    assert good_trials(np.array(values)) == good


def test_the_bootstrap_is_seeded_and_draws_configurations() -> None:
    frame = make(SPACE, n_configs=20)
    first, again, other = (
        importance(frame, SPACE, rng=np.random.default_rng(seed), n_resamples=5, evaluators=["ped_anova"])
        for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first["low"].equals(other["low"])
    assert (first["low"] < first["high"]).all()
    assert first["low"].between(0, 1).all()
    assert (first["n_configs"] == 20).all()
    assert (first["n_trials"] == 40).all()


def test_no_number_is_trustworthy_and_the_order_of_rows_is_nothing() -> None:
    frame = make(SPACE)
    table = importance(frame, SPACE, evaluators=["ped_anova"])
    assert not table["trustworthy"].any()
    assert table["note"].str.contains("coverage of its interval has not been measured").all()
    shuffled = importance(frame.sample(frac=1, random_state=0), SPACE, evaluators=["ped_anova"])
    assert shuffled["importance"].to_list() == pytest.approx(table["importance"].to_list())


def change(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    if what == "all succeed":
        return frame.assign(score=0.9)
    if what == "all fail":
        return frame.assign(score=0.4)
    if what == "no outcome":
        return frame.assign(status="error", score=np.nan)
    if what == "one configuration":
        return frame[frame["config_index"] == 0].assign(score=[0.4, 0.9])
    return frame.assign(score=np.nan)


@pytest.mark.parametrize("what", ["all succeed", "all fail", "no outcome", "one configuration", "no score"])
def test_nothing_to_attribute_has_a_note(what: str) -> None:
    table = importance(change(make(SPACE), what), SPACE, n_resamples=3)
    assert len(table) == 8
    assert table["importance"].isna().all()
    assert (table["low"] == 0).all()
    assert (table["high"] == 1).all()
    assert table["note"].str.contains("there is nothing to attribute").all()


def test_a_resample_without_a_success_leaves_the_limits_open() -> None:
    frame = make(SPACE, n_configs=12)
    frame["score"] = np.where(frame["config_index"] == 0, 0.9, 0.4)
    table = importance(frame, SPACE, n_resamples=10, evaluators=["ped_anova"])
    assert table["importance"].notna().all()
    assert table[["low", "high"]].to_numpy().tolist() == [[0.0, 1.0]] * 4


def test_diverged_trials_fail_and_have_no_score() -> None:
    frame = make(SPACE)
    frame.loc[frame["config_index"] == 1, "score"] = np.nan
    frame.loc[frame["config_index"] == 2, "status"] = "error"
    table = importance(frame, SPACE).set_index("target")
    assert (table.loc["success", "n_trials"] == 78).all()
    assert (table.loc["score", "n_trials"] == 76).all()
    assert (table.loc["score", "missing"] == 4).all()
    assert table.loc["score", "note"].str.contains("2 completed trials have no score and are left out").all()
    assert table["importance"].notna().all()


def test_the_only_axis_has_all() -> None:
    table = importance(make(SearchSpace("lr", (RATE,))), SearchSpace("lr", (RATE,)), n_resamples=2)
    assert (table["importance"] == 1).all()
    assert table["note"].str.contains("The only axis has all of the importance").all()


def test_each_recipe_has_its_own_and_adaptive_rows_count_for_nothing() -> None:
    frame = make(SPACE)
    adaptive = frame.assign(source="adaptive", score=0.9)
    both = pd.concat([frame, frame.assign(recipe="stable", score=0.9), adaptive])
    table = importance(both, SPACE, evaluators=["ped_anova"])
    assert list(table["recipe"].unique()) == ["devlin", "stable"]
    expected = importance(frame, SPACE, evaluators=["ped_anova"])
    assert table[table["recipe"] == "devlin"]["importance"].to_list() == expected["importance"].to_list()
    assert table[table["recipe"] == "stable"]["importance"].isna().all()


def test_places() -> None:
    space = SearchSpace("mixed", (RATE, SCHEDULE, WARMUP))
    place = cube_place({"learning_rate": 1e-4, "lr_scheduler_type": "cosine", "warmup_ratio": 0.3}, space)
    assert place == {"learning_rate": pytest.approx(0.5), "lr_scheduler_type": "cosine", "warmup_ratio": 1.0}
    assert optuna_importances([], np.empty(0), space, "fanova", 0) is None


@pytest.mark.parametrize(
    ("frame", "arguments", "words"),
    [
        (make(SPACE).drop(columns="warmup_ratio"), {}, "lacks the columns warmup_ratio"),
        (make(SPACE).drop(columns="score"), {}, "lacks the columns score"),
        (make(SPACE).assign(source="adaptive"), {}, "no design rows"),
        (make(SPACE).iloc[:0], {}, "no design rows"),
        (pd.concat([make(SPACE), make(SPACE)]), {}, "has several trials for config_index 0"),
        (make(SPACE).assign(learning_rate=0.0), {}, "learning_rate is 0 in a trial"),
        (make(SPACE), {"n_resamples": -1}, "n_resamples must be at least 0, received -1."),
        (make(SPACE), {"evaluators": ["anova"]}, "unknown evaluator 'anova'"),
    ],
)
def test_bad_input(frame: pd.DataFrame, arguments: dict[str, object], words: str) -> None:
    with pytest.raises(UserError) as caught:
        importance(frame, SPACE, **arguments)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_reader_who_asks_for_no_importance_loads_no_optuna() -> None:
    code = "import sys, tune_stability.analysis.importance; print('optuna' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
