from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tune_stability.axes import Axis
from tune_stability.errors import UserError
from tune_stability.recipes import DEVLIN, DEVLIN_LONG, STABLE, Recipe
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.store import Location, check_study, open_study, read_study
from tune_stability.studies import StopRule, StudySpec


def test_json_round_trip(make) -> None:
    spec = make.spec()
    text = spec.to_json()
    assert StudySpec.from_json(text, "x") == spec
    assert json.loads(text)["schema_version"] == 1
    assert text.startswith('{\n  "schema_version"')


def test_opening_twice_changes_nothing(tmp_path, make) -> None:
    spec = make.spec()
    assert open_study(tmp_path / "s", spec) == spec
    before = os.stat(tmp_path / "s" / "study.json")
    assert open_study(tmp_path / "s", spec) == spec
    assert os.stat(tmp_path / "s" / "study.json").st_ino == before.st_ino
    assert read_study(tmp_path / "s") == spec
    assert os.listdir(tmp_path / "s") == ["study.json"]


def test_a_study_grows_and_never_shrinks(tmp_path, make) -> None:
    open_study(tmp_path, make.spec(num_configs=8, num_seeds=2, recipes=(DEVLIN, STABLE)))
    received = make.spec(name="other label", num_configs=4, num_seeds=5, recipes=(DEVLIN_LONG, STABLE))
    grown = open_study(tmp_path, received)
    assert grown == make.spec(num_configs=8, num_seeds=5, recipes=(DEVLIN, STABLE, DEVLIN_LONG))
    assert read_study(tmp_path) == grown


@pytest.mark.parametrize(
    ("stored", "received", "joined"),
    [
        (None, None, None),
        (None, StopRule(0.1, 64), StopRule(0.1, 64)),
        (StopRule(0.1, 64), None, StopRule(0.1, 64)),
        (StopRule(0.1, 64), StopRule(0.2, 128), StopRule(0.1, 128)),
        (StopRule(0.1, 64), StopRule(0.05, 32), StopRule(0.05, 64)),
    ],
)
def test_a_stop_rule_never_leaves_and_is_tightened(tmp_path, make, stored, received, joined) -> None:
    open_study(tmp_path, make.spec(stop_rule=stored))
    assert check_study(tmp_path, make.spec(stop_rule=received)).stop_rule == joined
    assert open_study(tmp_path, make.spec(stop_rule=received)).stop_rule == joined
    assert read_study(tmp_path).stop_rule == joined


def test_a_study_that_a_rule_stopped_does_not_grow_without_one(tmp_path, make) -> None:
    open_study(tmp_path, make.spec(num_configs=16, stop_rule=StopRule(0.1, 64)))
    with pytest.raises(UserError, match=r"has 16 configurations by --until-width 0\.1, received 17 without") as caught:
        open_study(tmp_path, make.spec(num_configs=17))
    assert "\n" not in str(caught.value)
    assert read_study(tmp_path).num_configs == 16
    assert open_study(tmp_path, make.spec(num_configs=16, num_seeds=9)).num_seeds == 9


def test_the_same_recipe_with_another_history_is_the_same_recipe(tmp_path, make) -> None:
    open_study(tmp_path, make.spec(recipes=(STABLE,)))
    flat = Recipe("stable", "elsewhere", None, STABLE.pinned())
    assert open_study(tmp_path, make.spec(recipes=(flat,))).recipes == (STABLE,)


AXES = get_space("wide", 2e-5).axes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "big"}, "model is 'tiny', received 'big'"),
        ({"model_revision": "r2"}, "model_revision is 'r1', received 'r2'"),
        ({"task": "nli"}, "task is 'grammar', received 'nli'"),
        ({"task_fingerprint": "f2"}, "task_fingerprint is 'f1', received 'f2'"),
        ({"trainable": "a:b"}, "trainable is 'package.module:function', received 'a:b'"),
        ({"sampler": "grid"}, "sampler is 'sobol', received 'grid'"),
        ({"design_seed": 1}, "design_seed is 0, received 1"),
        ({"reference_learning_rate": 1e-3}, "reference_learning_rate is 2e-05, received 0.001"),
        ({"space": get_space("narrow", 2e-5)}, "search space is .*'wide'.*received .*'narrow'"),
        ({"space": SearchSpace("wide", AXES[::-1])}, "search space is "),
        ({"space": SearchSpace("wide", (Axis("dropout", 0, 0.5), *AXES[1:]))}, "search space is .*received .*dropout"),
        ({"recipes": (Recipe("stable", "x", DEVLIN, {"num_epochs": 7}),)}, "recipe 'stable' is .*20.*received .*7"),
    ],
)
def test_another_study_is_refused_and_nothing_is_overwritten(tmp_path, make, change: dict, words: str) -> None:
    open_study(tmp_path, make.spec())
    before = (tmp_path / "study.json").read_bytes()
    with pytest.raises(UserError, match=f"holds another study: its {words}.*another --out") as caught:
        open_study(tmp_path, make.spec(num_configs=99, **change))
    assert "\n" not in str(caught.value)
    assert (tmp_path / "study.json").read_bytes() == before


def test_a_folder_of_something_else_is_refused(tmp_path, make) -> None:
    for name in ("photo.jpg", "trials", "z1", "z2"):
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=r"no study.json but holds photo.jpg, trials, z1 and 1 more; give an empty"):
        open_study(tmp_path, make.spec())
    assert not (tmp_path / "study.json").exists()


def test_what_a_killed_start_left_is_no_obstacle(tmp_path, make) -> None:
    (tmp_path / ".study.json.0123.tmp").write_text("{")
    assert open_study(tmp_path, make.spec()) == make.spec()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "damaged"),
        ('{"schema_version": 1, "name"', "damaged"),
        ("[" * 100_000, "damaged"),
        ("[]", "holds a list"),
        ("{}", "schema_version must be a int, found None"),
        ('{"schema_version": 2}', "schema version 2, this tune_stability reads up to 1; upgrade"),
        ('{"schema_version": 1, "name": 5}', "name must be a str, found 5"),
        ("\udcff\udcfe", "damaged"),
    ],
)
def test_a_study_json_that_cannot_be_used(tmp_path, make, text: str, words: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    (tmp_path / "study.json").write_bytes(data)
    for call in (lambda: read_study(tmp_path), lambda: open_study(tmp_path, make.spec())):
        with pytest.raises(UserError, match=words) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert (tmp_path / "study.json").read_bytes() == data


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("space", {"name": "s"}),
        ("space", {"axes": {}}),
        ("space", {"name": "s", "axes": {"learning_rate": {"low": 1, "high": float("nan")}}}),
        ("recipes", [3]),
        ("recipes", []),
        ("recipes", [{"name": "a", "source": "b", "differences": {"sgd": 1}, "parent": None}]),
        ("num_seeds", True),
        ("num_configs", 0),
        ("reference_learning_rate", "2e-5"),
        ("reference_learning_rate", float("inf")),
    ],
)
def test_an_entry_that_cannot_be_used(tmp_path, make, key: str, value: object) -> None:
    table = json.loads(make.spec().to_json()) | {key: value}
    (tmp_path / "study.json").write_text(json.dumps(table))
    with pytest.raises(UserError) as caught:
        read_study(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_missing_study(tmp_path) -> None:
    with pytest.raises(UserError, match=r"is no study: it has no study.json; give the folder"):
        read_study(tmp_path / "nowhere")


@pytest.mark.parametrize("root", ["/proc/study", "under/a/file"])
def test_a_place_that_cannot_be_written(tmp_path, make, root: str) -> None:
    (tmp_path / "under").write_text("")
    with pytest.raises(UserError, match="cannot"):
        open_study(tmp_path / root, make.spec())


def test_studies_opened_at_once_keep_what_each_adds(tmp_path, make) -> None:
    recipes = [Recipe(f"r{i}", "x", None, {"num_epochs": i + 1}) for i in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda recipe: open_study(tmp_path, make.spec(recipes=(recipe,))), recipes))
    assert {recipe.name for recipe in read_study(tmp_path).recipes} == {recipe.name for recipe in recipes}


def test_of_two_different_studies_started_at_once_one_is_refused(tmp_path, make, monkeypatch) -> None:
    look = Location.foreign_names

    def slow_look(place: Location) -> list[str]:
        names = look(place)
        (tmp_path / "study.json").write_text(make.spec(model="other").to_json())
        return names

    monkeypatch.setattr(Location, "foreign_names", slow_look)
    with pytest.raises(UserError, match="model is 'other', received 'tiny'"):
        open_study(tmp_path, make.spec())
    assert read_study(tmp_path).model == "other"


def test_recipes_of_one_name_are_refused(make) -> None:
    with pytest.raises(UserError, match="different names, received stable, stable"):
        make.spec(recipes=(STABLE, STABLE))
