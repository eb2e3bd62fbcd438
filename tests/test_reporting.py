from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tune_stability import load_results
from tune_stability.display.console import make_console
from tune_stability.errors import StoreWarning, UserError
from tune_stability.outcomes import SuccessRule
from tune_stability.reporting import study_views, write_report
from tune_stability.views import chosen_trials

SMALL = Path(__file__).parents[1] / "results" / "lr-minilm-rte"
RULE = [SuccessRule()]


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(shutil.copytree(SMALL, tmp_path / "study"))


def test_a_view_has_the_logged_steps_of_the_chosen_trials_alone(store: str) -> None:
    (view,) = study_views(store, RULE)
    chosen = set(chosen_trials(view.trials, view.spec.space)["trial_id"])
    assert 0 < len(chosen) < len(view.trials)
    for table in ("curves", "gradients"):
        assert set(getattr(view, table)["trial_id"]) == chosen
        whole = load_results(store, table=table)
        assert len(getattr(view, table)) == whole["trial_id"].isin(chosen).sum()


def test_the_first_recipe_is_the_baseline(store: str) -> None:
    (view,) = study_views(store, RULE, ["devlin+correction"])
    assert view.recipes == ("devlin+correction", "devlin")


def test_a_page_has_its_command(store: str) -> None:
    write_report([store], ["margin:0.05", "majority"], ["devlin+correction"], store, make_console())
    command = f"python -m tune_stability.report {store} --success-rule=margin:0.05 --success-rule=majority"
    assert f"{command} --recipes=devlin+correction" in (Path(store) / "report.html").read_text()


def test_damage_is_warned_of_once_and_kept(store: str) -> None:
    (Path(store) / "trials" / "broken.parquet").write_bytes(b"no parquet")
    with pytest.warns(StoreWarning) as caught:
        (view,) = study_views(store, RULE)
    assert view.damage == tuple(str(one.message) for one in caught)
    (said,) = view.damage
    assert "left out 1 damaged or foreign file(s): trials/broken.parquet" in said


@pytest.mark.parametrize(("recipes", "words"), [(["mixout"], "has no recipe 'mixout'; it has devlin, devlin")])
def test_bad_input(store: str, recipes: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        study_views(store, RULE, recipes)


def test_a_study_without_a_trial(store: str) -> None:
    for shard in (Path(store) / "trials").iterdir():
        shard.unlink()
    with pytest.raises(UserError, match="has no trial yet"):
        study_views(store, RULE)
