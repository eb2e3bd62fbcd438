"""Whole studies of the analytic trainable in this process: what runs, what does not, and what is printed."""

from __future__ import annotations

import importlib
import io
import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tune_stability import load_results
from tune_stability.analysis import compare, summarize
from tune_stability.errors import UserError
from tune_stability.options import search_options
from tune_stability.outcomes import SuccessRule
from tune_stability.recipes import DEVLIN, STABLE
from tune_stability.running import run_search
from tune_stability.spaces import get_space, load_space
from tune_stability.store import Location, compact, lease, locate
from tune_stability.training.analytic import true_success_rate

_numbers = itertools.count()
Search = Callable[..., str]


@pytest.fixture
def search(tmp_path: Path) -> Search:
    """Runs a search with these options and returns what it prints; the study is in `tmp_path / "study"`."""

    def run(**changes: object) -> str:
        given = {
            "space": "wide",
            "num_configs": 8,
            "seeds": 2,
            "trainable": "tune_stability.training.analytic:run_trial",
            "model": "analytic/x",
            "task": "none",
            "executor": "local",
            "out": str(tmp_path / "study"),
        }
        printed = io.StringIO()
        run_search(search_options(None, {**given, **changes}), Console(file=printed, width=250), "THE SAME COMMAND")
        return printed.getvalue()

    return run


@pytest.fixture
def make_trainable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Makes a trainable with this body, which may use `config`, `analytic` and `folder`; returns its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(body: str) -> str:
        name = f"trainable_of_search_{next(_numbers)}"
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        (tmp_path / f"{name}.py").write_text(
            "import dataclasses, pathlib, time\n"
            "from tune_stability.training.analytic import run_trial as analytic\n"
            f"folder = pathlib.Path({str(tmp_path)!r})\n"
            f"def run_trial(config):\n{lines}"
        )
        importlib.invalidate_caches()
        return f"{name}:run_trial"

    return make


def rows(tmp_path: Path) -> pd.DataFrame:
    return load_results(tmp_path / "study")


def files(tmp_path: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of the study, with the time of its last change and its bytes."""
    found = (path for path in (tmp_path / "study").rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in found}


def test_a_study_runs_every_trial_once(search: Search, tmp_path: Path) -> None:
    text = search()
    assert "32 trials to run, 0 already done" in text
    assert len(rows(tmp_path)) == 8 * 2 * 2
    assert rows(tmp_path)["trial_id"].is_unique
    assert (rows(tmp_path)["status"] == "completed").all()
    # The shards of single trials are merged at the end, one file for each table.
    assert [len(list((tmp_path / "study" / table).iterdir())) for table in ("trials", "curves", "gradients")] == [
        1,
        1,
        1,
    ]


def test_the_same_again_runs_nothing_and_changes_no_file(search: Search, tmp_path: Path) -> None:
    first = search()
    before = files(tmp_path)
    second = search()
    assert "0 trials to run, 32 already done" in second
    assert files(tmp_path) == before
    # It gives the same answer, too.
    assert second[second.index("Success rule") :] == first[first.index("Success rule") :]


def test_a_finished_study_can_be_read_where_nothing_can_be_written(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    search()

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tune_stability.store.location._write_local", refuse)
    assert "0 trials to run" in search()
    with pytest.raises(UserError, match="Read-only file system"):
        search(num_configs=9)


@pytest.mark.parametrize(
    ("more", "added"),
    [({"seeds": 5}, 8 * 3 * 2), ({"num_configs": 16}, 8 * 2 * 2), ({"recipes": "devlin,stable,devlin+correction"}, 0)],
)
def test_more_of_something_adds_only_what_is_new(search: Search, tmp_path: Path, more: dict, added: int) -> None:
    search()
    before = rows(tmp_path)
    if "recipes" in more:
        # In the wide space this recipe is the stable one, so it is refused.
        with pytest.raises(UserError, match=r"stable and devlin\+correction are the same"):
            search(**more)
    else:
        assert f"{added} trials to run, 32 already done" in search(**more)
    after = rows(tmp_path)
    assert len(after) == 32 + added
    kept = after[after["trial_id"].isin(before["trial_id"])].reset_index(drop=True)
    # The rows that were there are the same rows, with the moment at which they ran.
    pd.testing.assert_frame_equal(kept, before)


def test_another_recipe_joins_the_study(search: Search, tmp_path: Path) -> None:
    search(space="lr", recipes="devlin")
    text = search(space="lr", recipes="devlin,devlin+epochs")
    assert "16 trials to run, 16 already done" in text
    # Asked for less than is stored, it runs nothing and shows everything.
    text = search(space="lr", recipes="devlin", seeds=1, num_configs=4)
    assert "0 trials to run, 4 already done" in text
    assert "devlin+epochs" in text
    assert len(rows(tmp_path)) == 32


def test_plan_runs_nothing_and_writes_nothing(search: Search, tmp_path: Path) -> None:
    text = search(plan=True)
    assert "32 trials, 0 already done, 32 to run" in text
    assert "estimated time: unknown until the first trials of this study have run" in text
    assert list(tmp_path.iterdir()) == []


def test_plan_of_a_study_in_part(search: Search, tmp_path: Path) -> None:
    search()
    before = files(tmp_path)
    text = search(plan=True, seeds=3)
    assert "48 trials, 32 already done, 16 to run" in text
    assert "estimated time: 0 s with 1 worker" in text
    assert files(tmp_path) == before


def test_plan_estimates_from_the_trials_that_have_run(search: Search, make_trainable) -> None:
    name = make_trainable(
        "return dataclasses.replace(analytic(config), seconds=60.0 * config.hyperparameters.num_epochs)"
    )
    search(space="lr", recipes="devlin", trainable=name, num_configs=4, seeds=1)
    # Four more configurations, a seed each, of three epochs and a minute an epoch.
    text = search(space="lr", recipes="devlin", trainable=name, num_configs=8, seeds=1, plan=True)
    assert "8 trials, 4 already done, 4 to run" in text
    assert "estimated time: 12 min with 1 worker, 6 min with 2, 45 s with 16" in text


def test_an_error_is_kept_and_the_same_command_tries_it_again(search: Search, tmp_path: Path, make_trainable) -> None:
    name = make_trainable(
        "with open(folder / 'runs', 'a') as file:\n    file.write(config.trial_id + '\\n')\n"
        "if config.config_index == 3 and not (folder / 'mended').exists():\n    raise OSError('broken cable')\n"
        "return analytic(config)"
    )
    text = search(trainable=name)
    assert "4 trials ended in an error, which is stored; run the same command to try them again." in text
    assert text.count("): OSError: broken cable") == text.count("(OSError: broken cable); trying it again, 1 of 1") == 4
    assert rows(tmp_path)["status"].value_counts().to_dict() == {"completed": 28, "error": 4}
    assert list(rows(tmp_path).query("status == 'error'")["config_index"].unique()) == [3]
    # The summary counts them as missing, in no frequency.
    assert [arm.missing for arm in summary(tmp_path).arms] == [2, 2]
    assert [arm.n_trials for arm in summary(tmp_path).arms] == [14, 14]

    (tmp_path / "mended").touch()
    (tmp_path / "runs").unlink()
    text = search(trainable=name)
    assert "4 trials to run, 28 already done" in text
    assert "in an error" not in text
    again = (tmp_path / "runs").read_text().split()
    assert set(rows(tmp_path).set_index("trial_id").loc[again, "config_index"]) == {3}
    assert len(again) == 4
    assert len(rows(tmp_path)) == 32
    assert (rows(tmp_path)["status"] == "completed").all()
    assert "0 trials to run, 32 already done" in search(trainable=name)


def test_a_study_of_errors_alone_has_nothing_to_show(search: Search, tmp_path: Path, make_trainable) -> None:
    with pytest.raises(UserError, match="all 32 trials ended in an error, such as 'RuntimeError: no GPU'"):
        search(trainable=make_trainable("raise RuntimeError('no GPU')"))
    assert not (tmp_path / "study" / "region.png").exists()


def test_an_arm_of_errors_alone_is_shown_without_a_rate(search: Search, make_trainable) -> None:
    name = make_trainable("if config.recipe == 'stable':\n    raise RuntimeError('no GPU')\nreturn analytic(config)")
    text = search(trainable=name)
    assert re.search(r"stable +- %? ?\[0\.0, 100\.0\] \? +0 +16", text)
    assert "No trial has an outcome." in text


def test_a_time_budget_stops_the_search_and_the_same_command_goes_on(
    search: Search, tmp_path: Path, make_trainable
) -> None:
    name = make_trainable("time.sleep(0.02)\nreturn dataclasses.replace(analytic(config), seconds=0.02)")
    text = search(trainable=name, time_budget="0.3s")
    stored = len(rows(tmp_path))
    assert 0 < stored < 32
    assert f"{32 - stored} trials left; to go on: THE SAME COMMAND" in text
    text = search(trainable=name)
    assert f"{32 - stored} trials to run, {stored} already done" in text
    assert len(rows(tmp_path)) == 32
    assert "trials left" not in text


def test_a_time_budget_of_nothing_runs_nothing(search: Search, tmp_path: Path) -> None:
    text = search(time_budget="0s")
    assert "32 trials left" in text
    assert "no trial has completed" in text
    assert rows(tmp_path).empty


def summary(tmp_path: Path, rule: str = "majority", seed: int = 0):
    frame = rows(tmp_path)
    space = get_space("wide", 2e-5)
    return summarize(frame, ["devlin", "stable"], space, "sobol", SuccessRule.parse(rule), np.random.default_rng(seed))


def test_the_tables_say_what_the_analysis_says(search: Search, tmp_path: Path) -> None:
    text = search(num_configs=64, seeds=3, design_seed=1)
    frame = rows(tmp_path)
    comparison = compare(frame, "devlin", "stable", get_space("wide", 2e-5))
    # The rates, from the rows themselves: every configuration has the same number of seeds.
    for arm in ("devlin", "stable"):
        own = frame[frame["recipe"] == arm]
        share = 100 * (own["score"] > own["majority_score"]).mean()
        interval = comparison.baseline.success_rate if arm == "devlin" else comparison.treatment.success_rate
        assert re.search(
            rf"{arm} +{share:.1f} % \[{100 * interval.low:.1f}, {100 * interval.high:.1f}\] +192 +0\b", text
        )
        true = true_success_rate(DEVLIN if arm == "devlin" else STABLE, get_space("wide", 2e-5))
        assert interval.low < true < interval.high
        # Failure modes, counted by hand.
        modes = own.loc[own["outcome"] == "failed", "failure_mode"].value_counts()
        counts = [
            modes.get(mode, 0) for mode in ("diverged", "vanishing_gradients", "undertrained", "no_generalization")
        ]
        assert re.search(rf"{arm} +" + " +".join(map(str, counts)), text)
    assert len(comparison.bands) == 3
    parts = [("all", comparison.widening), *((str(band.band), band.widening) for band in comparison.bands)]
    assert [label for label, _ in parts] == ["all", "1", "2-5", "6-20"]
    for label, part in parts:
        points = part.difference.format("points").replace(" points", "")
        ratio = part.ratio.format("plain", 2)
        line = next(line for line in text.splitlines() if points in line and ratio in line)
        assert re.search(rf"(^|\s){re.escape(label)}\s", line)
    for arm in summary(tmp_path, seed=1).arms:
        assert arm.basin is not None
        for edge in (arm.basin.lower, arm.basin.upper):
            assert f"{edge.estimate:.2g} [{edge.low:.2g}, {edge.high:.2g}]" in text
        assert arm.basin.width.format("plain", 2) in text
    assert "differ in bias_correction; the recipes' own num_epochs are overridden by the space." in text


def test_the_lr_space_has_no_bands_and_says_that_it_compares_recipes_as_published(search: Search) -> None:
    text = search(space="lr", num_configs=16, seeds=3)
    assert "the recipes as published, over this range." in text
    assert "Success rate of the region" in text
    assert "Learning-rate basin" in text
    assert not re.search(r"\b6-20\b", text)


def test_the_success_rule_is_the_reader_s(search: Search, tmp_path: Path) -> None:
    usual = search(num_configs=32)
    strict = search(num_configs=32, success_rule="margin:0.3")
    assert "0 trials to run" in strict
    assert "Success rule: majority." in usual
    assert "Success rule: margin:0.3." in strict
    frame = rows(tmp_path)
    for text, margin in ((usual, 0.0), (strict, 0.3)):
        own = frame[frame["recipe"] == "stable"]
        share = 100 * (own["score"] > own["majority_score"] + margin).mean()
        assert re.search(rf"stable +{share:.1f} % \[", text)
    # What fails by the stricter rule alone has no failure mode.
    assert "unclassified" in strict
    assert "unclassified" not in usual
    # The rows keep the outcome by the rule under which they were stored.
    assert ((frame["outcome"] == "success") == (frame["score"] > 0.5)).all()


def test_an_adaptive_study_shows_its_best_configurations_and_no_rate_of_the_region(
    search: Search, tmp_path: Path
) -> None:
    text = search(sampler="tpe", num_configs=15)
    assert "60 trials to run, 0 already done" in text
    assert "Best configurations" in text
    assert "say nothing about the success rate of the region" in text
    assert "Success rate of the region" not in text
    assert not (tmp_path / "study" / "region.png").exists()
    frame = rows(tmp_path)
    assert set(frame["source"]) == {"adaptive"}
    assert sorted(frame["config_index"].unique()) == list(range(15))
    assert (frame.groupby(["config_index", "recipe"]).size() == 2).all()
    # The best line is the best configuration and arm.
    best = frame.assign(won=frame["outcome"] == "success").groupby(["config_index", "recipe"])["won"].sum().max()
    first = next(line for line in text.splitlines() if re.search(r"\d/2", line))
    assert f"{best}/2" in first


CHOICES = """
[axes.learning_rate]
low = 1e-6
high = 1e-3
scale = "log"
[axes.lr_scheduler_type]
choices = ["linear", "cosine"]
[axes.bias_correction]
choices = [true, false]
[axes.num_epochs]
choices = [3, 20]
"""


@pytest.mark.parametrize(("sampler", "num_configs"), [("sobol", 16), ("random", 16), ("grid", 16), ("tpe", 12)])
def test_a_study_over_choices_from_its_space_to_its_answer(
    search: Search, tmp_path: Path, sampler: str, num_configs: int
) -> None:
    space = tmp_path / "choices.toml"
    space.write_text(CHOICES)
    given = {
        "space": str(space),
        "sampler": sampler,
        "num_configs": num_configs,
        "seeds": 1,
        "recipes": "devlin,mixout",
    }
    text = search(**given)
    frame = rows(tmp_path)
    assert len(frame) == 2 * num_configs
    assert (frame["status"] == "completed").all()
    for name, choices in {
        "lr_scheduler_type": {"linear", "cosine"},
        "bias_correction": {True, False},
        "num_epochs": {3, 20},
    }.items():
        assert set(frame[name]) == choices
    if sampler == "tpe":
        # The same command finds everything done, and the space in the store the same.
        assert f"0 trials to run, {2 * num_configs} already done" in search(**given)
        assert "Best configurations" in text
        return
    assert "Widening over devlin" in text
    assert (tmp_path / "study" / "region.png").exists()
    found = summarize(frame, ["devlin", "mixout"], load_space(space), sampler)
    assert [str(part.band) for part in found.comparisons[0].bands] == ["3", "20"]
    # A grid of two learning rates says too little of the range between them.
    if sampler != "grid":
        rate = found.arms[0].success_rate
        assert rate.low < true_success_rate(DEVLIN, load_space(space)) < rate.high


def test_an_adaptive_study_goes_on_from_the_store(search: Search, tmp_path: Path) -> None:
    search(sampler="tpe", num_configs=6)
    before = rows(tmp_path)
    assert "0 trials to run, 24 already done" in search(sampler="tpe", num_configs=6)
    # Two more configurations, and one more seed of the six that are there.
    assert "24 trials to run, 24 already done" in search(sampler="tpe", num_configs=8, seeds=3)
    after = rows(tmp_path)
    assert len(after) == 8 * 3 * 2
    assert set(before["trial_id"]) < set(after["trial_id"])
    assert (after.groupby("config_index")["learning_rate"].nunique() == 1).all()


def test_a_boundary_study_has_a_quarter_of_design_and_goes_on_from_the_store(search: Search, tmp_path: Path) -> None:
    given = {"sampler": "boundary", "space": "lr", "seeds": 1}
    search(**given, num_configs=5)
    before = rows(tmp_path)
    assert "0 trials to run, 10 already done" in search(**given, num_configs=5)
    assert "8 trials to run, 10 already done" in search(**given, num_configs=9)
    after = rows(tmp_path)
    assert len(after) == 9 * 2
    assert set(before["trial_id"]) < set(after["trial_id"])
    assert set(after.loc[after["source"] == "design", "config_index"]) == {0, 4, 8}
    # The same search in one go has the same trials, and its design rows are those of the Sobol design.
    search(**given, num_configs=9, out=str(tmp_path / "whole"))
    assert set(load_results(tmp_path / "whole")["trial_id"]) == set(after["trial_id"])
    search(**{**given, "sampler": "sobol"}, num_configs=3, out=str(tmp_path / "sobol"))
    rates = [
        frame.sort_values("config_index")["learning_rate"].unique()
        for frame in (after[after["source"] == "design"], load_results(tmp_path / "sobol"))
    ]
    assert list(rates[0]) == list(rates[1])


def test_an_adaptive_study_tries_errors_again(search: Search, tmp_path: Path, make_trainable) -> None:
    name = make_trainable(
        "if config.config_index == 2 and not (folder / 'mended').exists():\n    raise OSError('broken cable')\n"
        "return analytic(config)"
    )
    search(sampler="tpe", num_configs=4, trainable=name)
    assert rows(tmp_path)["status"].value_counts().to_dict() == {"completed": 12, "error": 4}
    (tmp_path / "mended").touch()
    assert "4 trials to run, 12 already done" in search(sampler="tpe", num_configs=4, trainable=name)
    assert (rows(tmp_path)["status"] == "completed").all()
    assert len(rows(tmp_path)) == 16


def test_a_study_in_a_folder_with_brackets_in_its_name(search: Search, tmp_path: Path) -> None:
    text = search(out=str(tmp_path / "a [bold] study"))
    assert "a [bold] study" in text
    assert (tmp_path / "a [bold] study" / "region.png").exists()


def test_a_study_that_another_search_runs_is_left_alone(search: Search, tmp_path: Path) -> None:
    search()
    before = files(tmp_path)
    with lease(locate(tmp_path / "study"), pytest.fail):
        with pytest.raises(UserError, match=r"another search \(.*\) runs the study"):
            search(num_configs=9)
        # What runs no trial needs no lease.
        assert "0 trials to run" in search()
        assert "4 to run" in search(num_configs=9, plan=True)
    assert files(tmp_path) == before


def test_a_search_holds_its_study_from_the_first_trial_to_the_last_stage(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[list[str]] = []

    def compact_and_look(location: Location) -> int:
        held.append(location.search_files())
        return compact(location)

    monkeypatch.setattr("tune_stability.running.compact", compact_and_look)
    text = search(until_width="0.01", num_configs=32)
    assert text.count("trials to run") == 2
    assert len(held[0]) == 1
    assert locate(tmp_path / "study").search_files() == []


def test_what_another_search_ran_while_this_one_waited_is_not_run_again(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def lease_after_another_search(*_: object) -> Iterator[None]:
        monkeypatch.undo()
        search(num_configs=6)
        yield

    monkeypatch.setattr("tune_stability.running.lease", lease_after_another_search)
    assert "8 trials to run, 24 already done" in search()


def test_a_folder_of_other_files_is_refused_and_left_as_it_is(search: Search, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "thesis.tex").touch()
    for plan in (False, True):
        with pytest.raises(UserError, match=r"has no study.json but holds thesis.tex"):
            search(plan=plan)
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["thesis.tex"]
