"""The folder has the layout of DeepCAVE's own runs; ConfigSpace, which DeepCAVE reads it with, takes it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tune_stability.exports.deepcave import write_deepcave
from tune_stability.recipes import DEVLIN

from .conftest import POINTS, SPACE, make

CONFIGURATIONS = [SPACE.configuration(point) for point in POINTS]


def read(folder: Path) -> dict[str, Any]:
    """The files of a run, as DeepCAVE's `Run.load` reads them."""
    names = ("meta", "configspace", "configs", "origins")
    found = {name: json.loads((folder / f"{name}.json").read_text()) for name in names}
    return {**found, "history": [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]}


def test_each_arm_is_a_run_with_these_five_files(study, tmp_path: Path) -> None:
    _, spec, trials = study
    write_deepcave(trials, spec, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"devlin", "stable"}
    expected = {"meta.json", "configspace.json", "configs.json", "origins.json", "history.jsonl"}
    assert {path.name for path in (tmp_path / "out" / "stable").iterdir()} == expected


def test_the_trials_are_these(study, tmp_path: Path) -> None:
    _, spec, trials = study
    write_deepcave(trials, spec, tmp_path / "out")
    run = read(tmp_path / "out" / "stable")
    assert run["configs"] == {str(k): configuration for k, configuration in enumerate(CONFIGURATIONS)}
    assert run["origins"] == {"0": "design", "1": "design", "2": "adaptive"}
    # config_id, budget, seed, costs (score, success, seconds), cpu_time, start, end, status
    assert [trial[:8] for trial in run["history"]] == [
        [0, 1.0, 0, [0.9, 1.0, 1.5], 0.0, 0.0, 1.5, 1],
        [0, 1.0, 1, [0.9, 1.0, 1.5], 0.0, 10.0, 11.5, 1],
        [1, 1.0, 0, [0.1, 0.0, 1.5], 0.0, 10000.0, 10001.5, 1],
        [1, 1.0, 1, [0.1, 0.0, 1.5], 0.0, 10010.0, 10011.5, 1],
        [2, 1.0, 0, [None, 0.0, 1.5], 0.0, 20000.0, 20001.5, 5],
        [2, 1.0, 1, [None, None, None], 0.0, 20010.0, 20010.5, 4],
    ]
    ids = trials.loc[trials["recipe"] == "stable", "trial_id"]
    assert [trial[8]["trial_id"] for trial in run["history"]] == list(ids)
    assert [trial[8]["seed"] for trial in run["history"]] == [0, 1, 1000, 1001, 2000, 2001]
    assert run["history"][4][8]["failure_mode"] == "diverged"
    assert run["history"][5][8]["traceback"].endswith("MemoryError: =1+1")


def test_the_meta_data_are_these(study, tmp_path: Path) -> None:
    _, spec, trials = study
    write_deepcave(trials, spec, tmp_path / "out")
    meta = read(tmp_path / "out" / "stable")["meta"]
    locked = {"lock_lower": True, "lock_upper": True}
    assert meta["objectives"] == [
        {"name": "score", "lower": 0.1, "upper": 0.9, **locked, "optimize": "upper"},
        {"name": "success", "lower": 0.0, "upper": 1.0, **locked, "optimize": "upper"},
        {"name": "seconds", "lower": 1.5, "upper": 1.5, **locked, "optimize": "lower"},
    ]
    assert (meta["budgets"], meta["seeds"]) == ([1.0], [0, 1])


def test_equal_configurations_are_one(study, tmp_path: Path) -> None:
    _, spec, trials = study
    same = trials.assign(**CONFIGURATIONS[0])
    write_deepcave(same, spec, tmp_path / "out")
    run = read(tmp_path / "out" / "devlin")
    assert run["configs"] == {"0": CONFIGURATIONS[0]}
    assert [trial[2] for trial in run["history"]] == [0, 1, 2, 3, 4, 5]


def test_a_name_from_a_store_stays_in_the_folder(tmp_path: Path) -> None:
    names = ("../../out", "a/b", "..", "a:b")
    recipes = tuple(
        dataclasses.replace(DEVLIN, name=name, differences={**DEVLIN.differences, "weight_decay": place / 10})
        for place, name in enumerate(names)
    )
    _, spec, trials = make(tmp_path, recipes)
    write_deepcave(trials, spec, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"study", "out"}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["_.._out", "a_b", "a_b-3", "arm"]


def test_configspace_reads_the_space_and_takes_every_configuration(study, tmp_path: Path) -> None:
    configspace = pytest.importorskip("ConfigSpace", reason="ConfigSpace, which DeepCAVE reads spaces with, is missing")
    _, spec, trials = study
    write_deepcave(trials, spec, tmp_path / "out")
    space = configspace.ConfigurationSpace.from_json(tmp_path / "out" / "devlin" / "configspace.json")
    assert set(space) == set(SPACE.names)
    assert (space["learning_rate"].lower, space["learning_rate"].upper, space["learning_rate"].log) == (
        1e-5,
        1e-2,
        True,
    )
    assert (space["num_epochs"].lower, space["num_epochs"].upper, space["num_epochs"].log) == (1, 20, True)
    assert not space["warmup_ratio"].log
    for configuration in read(tmp_path / "out" / "devlin")["configs"].values():
        taken = configspace.Configuration(space, values=configuration)
        taken.check_valid_configuration()
        assert dict(taken) == pytest.approx(configuration)
