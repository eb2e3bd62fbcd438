"""A stored trial is run again and compared; the store stays as it is."""

from __future__ import annotations

import dataclasses
import math
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tune_stability import Hyperparameters, TrialConfig, load_results
from tune_stability.cli import app
from tune_stability.commands import rerun_command
from tune_stability.data_source import DataSource
from tune_stability.recipes import DEVLIN, STABLE
from tune_stability.rerun import rerun_trial
from tune_stability.spaces import get_space
from tune_stability.store import (
    completed_row,
    current_provenance,
    error_row,
    locate,
    open_study,
    write_trial,
)
from tune_stability.studies import StudySpec
from tune_stability.training.analytic import run_trial

ANALYTIC = "tune_stability.training.analytic:run_trial"
ROOT = Path(__file__).parent.parent


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A study with no trial yet."""
    folder = tmp_path / "study"
    spec = StudySpec(
        name="s",
        model="analytic/x",
        model_revision="",
        task="none",
        task_fingerprint="",
        trainable=ANALYTIC,
        space=get_space("wide", 2e-5),
        recipes=(DEVLIN, STABLE),
        reference_learning_rate=2e-5,
        sampler="sobol",
        design_seed=0,
        num_configs=8,
        num_seeds=3,
    )
    open_study(locate(folder), spec)
    return folder


def trial(seed: int = 0, **changes: object) -> TrialConfig:
    fields = {
        "model": "analytic/x",
        "model_revision": "",
        "task": "none",
        "task_fingerprint": "",
        "hyperparameters": Hyperparameters(),
        "trainable": ANALYTIC,
        "seed": seed,
        "recipe": "stable",
        "config_index": 0,
    }
    return TrialConfig(**{**fields, **changes})  # type: ignore[arg-type]


def keep(store: Path, config: TrialConfig, **changes: object) -> str:
    """Store what the analytic trainable shows, with these changes, as the result of `config`; its id."""
    result = dataclasses.replace(run_trial(config), **changes)  # type: ignore[arg-type]
    write_trial(store, completed_row("s", config, result, current_provenance(), datetime.now(UTC)))
    return config.trial_id


def keep_crash(store: Path, config: TrialConfig, text: str) -> str:
    write_trial(store, error_row("s", config, text, current_provenance(), datetime.now(UTC), 0.0))
    return config.trial_id


def rerun(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["rerun", *arguments])


def files(store: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.mark.parametrize("rate", [1e-7, 2e-5, 1.0])
def test_the_same_result_is_identical_and_nothing_is_written(store: Path, rate: float) -> None:
    # At a rate of one the analytic trial diverges: its losses are NaN, here and there.
    trial_id = keep(store, trial(hyperparameters=Hyperparameters(learning_rate=rate)))
    assert math.isnan(load_results(store)["train_loss"].iloc[0]) == (rate == 1.0)
    before = files(store)
    result = rerun(str(store), trial_id)
    assert result.exit_code == 0, result.output
    assert f"trial {trial_id}: stable, configuration 0, seed 0, analytic/x, none" in result.stdout
    assert "identical: every stored result came out again" in result.stdout
    assert files(store) == before


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"score": math.nextafter(run_trial(trial()).score, 1)}, ["score"]),
        ({"score": 0.1}, ["outcome", "failure_mode", "score"]),
        ({"steps": 299, "predicted_share": (0.5, 0.25, 0.25)}, ["predicted_share", "steps"]),
        ({"train_loss": math.nan}, ["train_loss"]),
    ],
)
def test_another_result_is_named(store: Path, changes: dict, differing: list[str]) -> None:
    trial_id = keep(store, trial(), **changes)
    result = rerun(str(store), trial_id)
    assert result.exit_code == 1, result.output
    assert f"not identical: {', '.join(differing)}.\n" in result.stdout
    # Both numbers are shown to the last digit.
    found = rerun_trial(str(store), trial_id)
    assert re.search(rf"score +{float(found.stored['score'])} +{found.now['score']} *\n", result.stdout)


def test_what_else_differs_is_said(store: Path) -> None:
    trial_id = keep(store, trial(), score=0.1, device="NVIDIA [H100]")
    assert "It ran elsewhere, which may be why: device was NVIDIA [H100], is cpu." in " ".join(
        rerun(str(store), trial_id).stdout.split()
    )


@pytest.mark.parametrize(
    ("stored", "code", "words"),
    [
        ("Traceback ...\nZeroDivisionError: division by zero\n", 0, "identical"),
        ("Traceback ...\nOutOfMemoryError: no [/] memory", 1, "not identical: error"),
    ],
)
def test_a_crash_is_compared_by_its_last_line(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: str, code: int, words: str
) -> None:
    (tmp_path / "crashes_again.py").write_text("def run(config):\n    return 1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    trial_id = keep_crash(store, trial(trainable="crashes_again:run"), stored)
    result = rerun(str(store), trial_id, "--trainable", "crashes_again:run")
    assert result.exit_code == code, result.output
    assert words in result.stdout
    assert stored.strip().splitlines()[-1] in result.stdout


def test_a_crash_that_does_not_come_again_is_a_change_of_status(store: Path) -> None:
    trial_id = keep_crash(store, trial(), "the worker died 4 times")
    result = rerun(str(store), trial_id)
    assert result.exit_code == 1
    assert "not identical: status." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["0123456789"], ["has no trial '0123456789' among its 40"]),
        (["<script>.*"], ["has no trial '<script>.*' among its 40"]),
        (["01234"], ["at least 6 characters of its id, received '01234'"]),
        ([""], ["at least 6 characters of its id, received ''"]),
        ([trial().trial_id, "--trainable", "os:system"], ["ran by the trainable", "received 'os:system'"]),
    ],
)
def test_bad_input_is_refused_in_one_line(store: Path, arguments: list[str], words: list[str]) -> None:
    for seed in range(40):
        keep(store, trial(seed))
    result = rerun(str(store), *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    for word in words:
        assert word in line


def test_an_id_goes_by_its_beginning_if_only_one_trial_has_it(store: Path) -> None:
    ids = [keep(store, trial(seed)) for seed in range(2)]
    assert rerun(str(store), ids[1][:6]).exit_code == 0
    frame = load_results(store)
    shared = frame.assign(trial_id=["abcdef01", "abcdef02"])
    from tune_stability.rerun import _row_of

    with pytest.raises(ValueError, match="2 trials of s begin with 'abcdef': abcdef01, abcdef02; give more") as caught:
        _row_of(shared, "abcdef", "s")
    assert "\n" not in str(caught.value)
    assert _row_of(shared, "abcdef02", "s")["seed"] == 1


def test_no_study_is_refused(tmp_path: Path) -> None:
    result = rerun(str(tmp_path), "0123456789")
    assert result.exit_code == 2
    assert "is no study" in result.stderr


def test_code_that_only_the_store_names_is_not_imported(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of_the_store.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nrun = None\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    trial_id = keep(store, trial(trainable="of_the_store:run"))
    result = rerun(str(store), trial_id)
    assert result.exit_code == 2
    assert "give --trainable of_the_store:run if that code may run here" in result.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("task", "given", "expected"),
    [
        ("rte", DataSource(data_dir="/glue"), DataSource(data_dir="/glue", metric="accuracy")),
        (
            "file:a.csv,b.csv",
            DataSource(data_dir="/mine", text_columns=("x",), label_column="y"),
            DataSource(files=("/mine/a.csv", "/mine/b.csv"), text_columns=("x",), label_column="y", metric="accuracy"),
        ),
    ],
)
def test_the_data_are_found_where_they_are_said_to_be(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, given: DataSource, expected: DataSource
) -> None:
    (tmp_path / "records_data.py").write_text(
        "from tune_stability.training.analytic import run_trial\nseen = []\n"
        "def run(config):\n    seen.append(config.data)\n    return run_trial(config)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    trial_id = keep(store, trial(trainable="records_data:run", task=task))
    assert rerun_trial(str(store), trial_id, given, "records_data:run").identical
    import records_data  # type: ignore[import-not-found]

    assert records_data.seen.pop() == expected
    monkeypatch.delitem(sys.modules, "records_data")


def test_a_task_of_own_files_needs_their_folder(store: Path) -> None:
    trial_id = keep(store, trial(task="file:a.csv,b.csv"))
    assert "give the folder that holds them with --data-dir" in rerun(str(store), trial_id).stderr


@pytest.mark.slow
def test_a_fine_tuning_run_of_the_committed_study_comes_out_again_or_says_why() -> None:
    rows = load_results(ROOT / "results" / "lr-micro-bert-grammar")
    first = rows[rows["recipe"] == "devlin"].iloc[0]
    command = rerun_command("results/lr-micro-bert-grammar", first["trial_id"][:6])
    done = subprocess.run(
        [sys.executable, *command.split()[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    # On another kind of processor, or with other libraries, the last bits may differ; the outcome does not.
    assert done.returncode in (0, 1), done.stderr
    assert re.search(rf"outcome +{first['outcome']} +{first['outcome']}", done.stdout)
