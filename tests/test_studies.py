from __future__ import annotations

import json

import pytest

from tune_stability.axes import Axis, ChoiceAxis
from tune_stability.errors import UserError
from tune_stability.recipes import DEVLIN, STABLE, Recipe
from tune_stability.spaces import SearchSpace, get_space
from tune_stability.studies import FIXED, GROWING, SPEC_VERSION, StopRule, StudySpec


def spec(**changes: object) -> StudySpec:
    fields = {
        "name": "mine",
        "model": "micro-bert",
        "model_revision": "abc",
        "task": "grammar",
        "task_fingerprint": "def",
        "trainable": "package.module:function",
        "space": get_space("wide", 3e-4),
        "recipes": (DEVLIN, STABLE),
        "reference_learning_rate": 3e-4,
        "sampler": "sobol",
        "design_seed": 0,
        "num_configs": 8,
        "num_seeds": 2,
    }
    return StudySpec(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "study",
    [
        spec(),
        spec(space=SearchSpace("own", (Axis("weight_decay", 0.0, 0.1), Axis("batch_size", 8, 64, "log")))),
        spec(space=SearchSpace("own", (ChoiceAxis("bias_correction", (True, False)), ChoiceAxis("dropout", (0, 0.1))))),
        spec(recipes=(Recipe("a", "me", STABLE, {"dropout": 0.0, "batch_size": 8}),), reference_learning_rate=1 / 3),
    ],
)
def test_json_keeps_everything(study: StudySpec) -> None:
    assert StudySpec.from_json(study.to_json(), "here") == study
    # For people: indented, with a line break at the end.
    assert study.to_json().startswith('{\n  "schema_version": 1,\n  "name": "mine"')
    assert study.to_json().endswith("}\n")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipes": ()}, "received none"),
        ({"recipes": (DEVLIN, DEVLIN)}, "recipes of different names, received devlin, devlin"),
        ({"num_configs": 0}, "num_configs must be at least 1, received 0"),
        ({"num_seeds": -1}, "num_seeds must be at least 1, received -1"),
        ({"num_seeds": 1001}, "the seed scheme single takes at most 1000 seeds, received 1001"),
        ({"num_seeds": 11, "seed_scheme": "factorial"}, "factorial takes at most 10 seeds, received 11"),
        ({"seed_scheme": "factorail"}, "unknown seed scheme 'factorail'; did you mean 'factorial'"),
        ({"recipes": (Recipe("bad", "", None, {"drop_out": 0.1}),)}, "did you mean 'dropout'"),
        ({"recipes": (Recipe("bad", "", None, {"dropout": 1.0}),)}, "dropout must lie in"),
        ({"reference_learning_rate": -1.0}, "learning_rate must lie in"),
    ],
)
def test_a_study_that_cannot_be_is_refused(change: dict, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        spec(**change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("scheme", "trials"), [("single", 10), ("factorial", 1000)])
def test_trials_per_configuration(scheme: str, trials: int) -> None:
    assert spec(num_seeds=10, seed_scheme=scheme).trials_per_configuration == trials


ADDED = ("replicates", "seed_scheme", "family", "settings")
ALWAYS_THERE = [name for name in FIXED if name not in ADDED]


def test_a_spec_from_before_an_entry_existed_has_its_default() -> None:
    table = json.loads(spec().to_json())
    for name in ADDED:
        del table[name]
    assert StudySpec.from_json(json.dumps(table), "here") == spec()


@pytest.mark.parametrize("key", ["schema_version", "name", *ALWAYS_THERE, *GROWING, "space", "recipes"])
def test_a_missing_entry_is_named(key: str) -> None:
    table = json.loads(spec().to_json())
    del table[key]
    with pytest.raises(UserError, match=rf"^here is damaged \({key} must be a \w+, found None\)"):
        StudySpec.from_json(json.dumps(table), "here")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"study"', "[" * 100_000, b"\xff\xfe\x00"])
def test_what_is_no_study_is_refused_in_one_line(text: str | bytes) -> None:
    with pytest.raises(UserError, match=r"^here is damaged") as caught:
        StudySpec.from_json(text, "here")
    assert "\n" not in str(caught.value)


def test_a_newer_version_asks_for_an_upgrade() -> None:
    newer = {**json.loads(spec().to_json()), "schema_version": SPEC_VERSION + 1}
    with pytest.raises(
        UserError, match=f"schema version {SPEC_VERSION + 1}, this .* reads up to {SPEC_VERSION}; upgrade"
    ):
        StudySpec.from_json(json.dumps(newer), "here")


def test_a_stop_rule_is_stored_and_older_specs_have_none() -> None:
    ruled = spec(stop_rule=StopRule(0.1, 512))
    assert StudySpec.from_json(ruled.to_json(), "here") == ruled
    assert json.loads(ruled.to_json())["stop_rule"] == {"width": 0.1, "max_configs": 512}
    assert "stop_rule" not in json.loads(spec().to_json())


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (3, "the stop_rule is 3"),
        ({}, "width must be a float, found None"),
        ({"width": 0.1}, "max_configs must be a int, found None"),
        ({"width": 0.1, "max_configs": 1.5}, "max_configs must be a int, found 1.5"),
        ({"width": 0.1, "max_configs": 0}, "max_configs must be at least 1, received 0"),
        ({"width": 2, "max_configs": 8}, "lies between 0 and 2, received 2"),
        ({"width": float("nan"), "max_configs": 8}, "lies between 0 and 2, received nan"),
    ],
)
def test_a_stop_rule_that_cannot_be(rule: object, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        StudySpec.from_json(json.dumps({**json.loads(spec().to_json()), "stop_rule": rule}), "here")
    assert "\n" not in str(caught.value)
