from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tune_stability.analysis import compare, success_arrays, success_rate, summarize, widening
from tune_stability.errors import UserError
from tune_stability.outcomes import SuccessRule
from tune_stability.recipes import get_recipe
from tune_stability.spaces import get_space
from tune_stability.training.analytic import true_success_rate

WIDE, LR = get_space("wide", 2e-5), get_space("lr", 2e-5)


@pytest.fixture(scope="module")
def wide(analytic_frame) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    return analytic_frame(WIDE, ("devlin", "stable"), 64, 3)


@pytest.fixture(scope="module")
def lr(analytic_frame) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    return analytic_frame(LR, ("devlin", "stable", "devlin+epochs"), 32, 4)


def test_wide_study_is_near_the_truth(wide: pd.DataFrame) -> None:
    result = compare(wide, "devlin", "stable", WIDE)
    for arm in (result.baseline, result.treatment):
        truth = true_success_rate(get_recipe(arm.recipe), WIDE)
        assert arm.success_rate.estimate == pytest.approx(truth, abs=0.06)
        assert (arm.n_trials, arm.missing) == (192, 0)
        assert arm.basin is not None
        assert arm.basin.found
    assert result.difference.estimate == pytest.approx(0.136, abs=0.08)
    assert result.difference.low > 0
    assert result.ratio.low > 1


def test_parts_are_the_functions_on_arrays(wide: pd.DataFrame) -> None:
    result = compare(wide, "devlin", "stable", WIDE)
    arms = success_arrays(wide, ("devlin", "stable"), WIDE)
    assert result.widening == widening(arms.success["devlin"], arms.success["stable"], arms.points)
    assert result.baseline.success_rate == success_rate(arms.success["devlin"], arms.points)
    epochs = arms.configurations["num_epochs"].to_numpy()
    assert [str(part.band) for part in result.bands] == ["1", "2-5", "6-20"]
    for part in result.bands:
        inside = (epochs >= part.band.low) & (epochs <= part.band.high)
        gained = (arms.success["stable"] - arms.success["devlin"])[inside].mean()
        assert part.widening.difference.estimate == pytest.approx(gained)
        assert part.widening.difference.n_configs == inside.sum()


def test_failure_modes_are_counted_and_differ_between_arms(wide: pd.DataFrame) -> None:
    result = compare(wide, "devlin", "stable", WIDE)
    for arm in (result.baseline, result.treatment):
        failed = wide[(wide["recipe"] == arm.recipe) & (wide["outcome"] == "failed")]
        assert sum(arm.failure_modes.values()) == len(failed)
        assert arm.failure_modes["undertrained"] == (failed["failure_mode"] == "undertrained").sum()
    assert result.baseline.failure_modes["diverged"] > result.treatment.failure_modes["diverged"]


def test_a_stricter_rule_leaves_failures_unclassified(wide: pd.DataFrame) -> None:
    loose, strict = (compare(wide, "devlin", "stable", WIDE, rule=rule) for rule in (None, SuccessRule("margin", 0.2)))
    assert strict.treatment.success_rate.estimate < loose.treatment.success_rate.estimate
    assert "unclassified" not in loose.treatment.failure_modes
    assert strict.treatment.failure_modes["unclassified"] > 0


def test_same_generator_seed_same_answer(lr: pd.DataFrame) -> None:
    one, other = (compare(lr, "devlin", "stable", LR, rng=np.random.default_rng(7)) for _ in range(2))
    assert one == other


def test_lr_space_has_no_bands_and_an_edge_on_both_sides(lr: pd.DataFrame) -> None:
    summary = summarize(lr, ("devlin", "stable", "devlin+epochs"), LR)
    assert [arm.recipe for arm in summary.arms] == ["devlin", "stable", "devlin+epochs"]
    assert [c.treatment.recipe for c in summary.comparisons] == ["stable", "devlin+epochs"]
    assert all(comparison.bands == () for comparison in summary.comparisons)
    for arm in summary.arms:
        assert arm.basin is not None
        assert arm.basin.lower_inside
        assert arm.basin.upper_inside
        assert arm.success_rate.estimate == pytest.approx(true_success_rate(get_recipe(arm.recipe), LR), abs=0.08)


def test_trials_that_share_seeds_with_others_change_nothing(lr: pd.DataFrame) -> None:
    parted = lr.assign(init_seed=lr["seed"], data_seed=lr["seed"], dropout_seed=lr["seed"])
    sharing = parted.assign(seed=lr["seed"] + 500, dropout_seed=lr["seed"] + 1, score=0.0)
    both = pd.concat([parted, sharing])
    assert compare(both, "devlin", "stable", LR) == compare(lr, "devlin", "stable", LR)


def test_one_recipe_alone(lr: pd.DataFrame) -> None:
    summary = summarize(lr, ("stable",), LR)
    assert len(summary.arms) == 1
    assert summary.comparisons == ()


def test_missing_trials_are_counted_and_never_judged(wide: pd.DataFrame) -> None:
    frame = wide.copy()
    errors = frame.index[(frame["recipe"] == "stable") & (frame["config_index"] < 16)]
    frame.loc[errors, ["status", "score"]] = ["error", np.nan]
    result = compare(frame, "devlin", "stable", WIDE)
    assert (result.treatment.n_trials, result.treatment.missing) == (144, 48)
    assert result.baseline.missing == 0
    assert (result.difference.n_trials, result.difference.missing) == (144, 48)
    assert not result.difference.trustworthy
    assert "48 of 192 trials are missing" in result.difference.note


def test_unequal_arms_keep_their_own_rows_in_a_summary_only(wide: pd.DataFrame) -> None:
    frame = wide[(wide["recipe"] == "devlin") | (wide["config_index"] < 32)]
    summary = summarize(frame, ("devlin", "stable"), WIDE)
    assert [arm.success_rate.n_configs for arm in summary.arms] == [64, 32]
    assert summary.comparisons[0].baseline.success_rate.n_configs == 32
    assert summary.comparisons[0].dropped == 32
    assert "Left out are 32 configurations that only one of the two recipes has." in summary.comparisons[0].summary()


def test_all_fail(wide: pd.DataFrame) -> None:
    result = compare(wide.assign(score=0.5), "devlin", "stable", WIDE)
    assert result.difference.estimate == 0
    assert not result.ratio.trustworthy
    assert result.baseline.basin is not None
    assert not result.baseline.basin.found


def test_one_configuration_and_one_seed(wide: pd.DataFrame) -> None:
    frame = wide[wide["config_index"] == 0].drop_duplicates("recipe")
    result = compare(frame, "devlin", "stable", WIDE)
    assert not result.difference.trustworthy
    assert sum(part.widening.difference.n_configs for part in result.bands) == 1


@pytest.mark.parametrize(
    ("baseline", "treatment", "message"), [("stable", "stable", "both"), ("devlin", "x", "unknown")]
)
def test_bad_recipes(wide: pd.DataFrame, baseline: str, treatment: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        compare(wide, baseline, treatment, WIDE)


@pytest.mark.parametrize("recipes", [(), ("stable", "stable")])
def test_bad_summaries(wide: pd.DataFrame, recipes: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="each once"):
        summarize(wide, recipes, WIDE)


def test_nullable_types_and_a_repeated_index_change_nothing(wide: pd.DataFrame) -> None:
    frame = wide.copy()
    frame.loc[frame.index[:3], ["status", "score"]] = ["error", np.nan]
    other = frame.convert_dtypes().set_index(np.zeros(len(frame), dtype=int))
    for rule in (SuccessRule(), SuccessRule("within", 0.5)):
        assert compare(other, "devlin", "stable", WIDE, rule=rule) == compare(
            frame, "devlin", "stable", WIDE, rule=rule
        )


def adaptive(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(source="adaptive", config_index=frame["config_index"] + 1000, seed=frame["seed"] + 1000000)


def test_an_adaptive_trial_that_stands_twice_is_refused(lr: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="has several trials for config_index 1000 and seed 1000000"):
        compare(pd.concat([lr, adaptive(lr), adaptive(lr)]), "devlin", "stable", LR)


def test_an_adaptive_configuration_that_is_two_is_refused(lr: pd.DataFrame) -> None:
    rows = adaptive(lr)
    rows.loc[rows.index[0], "learning_rate"] *= 1.1
    with pytest.raises(UserError, match="config_index 1000 is not the same configuration in every trial"):
        compare(pd.concat([lr, rows]), "devlin", "stable", LR)


@pytest.mark.parametrize("failed", ["devlin", "stable", "both"])
def test_without_a_pair_the_summary_says_that_the_widening_is_unknown(lr: pd.DataFrame, failed: str) -> None:
    errors = lr["recipe"].isin(["devlin", "stable"] if failed == "both" else [failed])
    frame = lr.assign(status=lr["status"].mask(errors, "error"), score=lr["score"].mask(errors))
    result = compare(pd.concat([frame, adaptive(lr)]), "devlin", "stable", LR)
    text = result.summary()
    assert text.startswith("None of 128 pairs of trials of devlin and stable has an outcome in both arms, ")
    assert "- " not in text
    assert ("random trials of devlin" in text, "random trials of stable" in text) == (
        failed == "stable",
        failed == "devlin",
    )
