"""The trials of a stored study that ended in an error are run again, found from the store alone."""

from __future__ import annotations

import importlib
import itertools
import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from tune_stability import load_results
from tune_stability.cli import app
from tune_stability.store import lease, locate

_numbers = itertools.count()
LOCAL = ("--executor", "local")


@pytest.fixture(autouse=True)
def no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables and pictures take seconds, and these tests are not about them."""
    monkeypatch.setattr("tune_stability.running.answer", lambda *_: None)


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A trainable that fails at configuration 3 while the file `broken` exists, and at 5 while `dead` does."""
    monkeypatch.syspath_prepend(str(tmp_path))
    module = f"trainable_of_retry_{next(_numbers)}"
    (tmp_path / f"{module}.py").write_text(
        "import pathlib\n"
        "from tune_stability.training.analytic import run_trial as analytic\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "def run_trial(config):\n"
        "    with open(folder / 'runs', 'a') as file:\n        file.write(config.trial_id + '\\n')\n"
        "    if config.config_index == 3 and (folder / 'broken').exists():\n        raise OSError('broken cable')\n"
        "    if config.config_index == 5 and (folder / 'dead').exists():\n        raise OSError('[dead]\\ndisk')\n"
        "    return analytic(config)\n"
    )
    importlib.invalidate_caches()
    return f"{module}:run_trial"


@pytest.fixture
def study(name: str, tmp_path: Path) -> Path:
    """A study of 32 trials, 4 of them in error."""
    (tmp_path / "broken").touch()
    search(name, tmp_path / "study")
    (tmp_path / "broken").unlink()
    (tmp_path / "runs").unlink()
    return tmp_path / "study"


def search(name: str, out: Path, *more: str) -> str:
    size = ("--space", "lr", "--num-configs", "8", "--seeds", "2", "--model", "analytic/x", "--task", "none")
    result = CliRunner().invoke(app, ["search", *size, *LOCAL, "--trainable", name, "--out", str(out), *more])
    assert result.exit_code == 0, result.output
    return result.output


def retry(study: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["retry", str(study), *LOCAL, *more])


def files(study: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in study.rglob("*") if path.is_file()}


def test_errors_alone_run_again_and_the_study_is_as_if_nothing_had_happened(
    study: Path, name: str, tmp_path: Path
) -> None:
    broken = load_results(study).query("status == 'error'")
    result = retry(study, "--trainable", name)
    assert result.exit_code == 0, result.output
    assert "4 trials in error to run again" in result.output
    assert "4 of 4 trials are now completed" in result.output
    assert sorted((tmp_path / "runs").read_text().split()) == sorted(broken["trial_id"])
    # Compacted, with nothing left behind.
    assert len(list((study / "trials").iterdir())) == 1
    assert list((study / "searches").iterdir()) == []
    search(name, tmp_path / "undisturbed")
    when = ["started_at", "seconds", "study"]
    pd.testing.assert_frame_equal(
        load_results(study).drop(columns=when), load_results(tmp_path / "undisturbed").drop(columns=when)
    )
    assert "0 trials to run, 32 already done" in search(name, study)


def test_what_still_fails_is_named_with_the_last_line_of_its_error(study: Path, name: str, tmp_path: Path) -> None:
    (tmp_path / "dead").touch()
    search(name, study, "--num-configs", "8", "--seeds", "3")
    (tmp_path / "broken").touch()
    still = load_results(study).query("status == 'error'")["trial_id"]
    assert retry(study, "--trainable", name).exit_code == 1
    (tmp_path / "broken").unlink()
    result = retry(study, "--trainable", name)
    assert result.exit_code == 1
    assert f"0 of {len(still)} trials are now completed" in result.output
    for trial_id in still:
        assert f"trial {trial_id} still fails: disk" in result.output
    assert set(load_results(study).query("status == 'error'")["trial_id"]) == set(still)


def test_an_error_that_comes_again_is_tried_as_often_as_asked(study: Path, name: str, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    for times in (0, 2):
        (tmp_path / "runs").unlink(missing_ok=True)
        assert retry(study, "--trainable", name, "--max-retries", str(times)).exit_code == 1
        assert len((tmp_path / "runs").read_text().split()) == 4 * (1 + times)


def test_without_an_error_nothing_is_written(study: Path, name: str) -> None:
    assert retry(study, "--trainable", name).exit_code == 0
    before = files(study)
    result = retry(study)
    assert (result.exit_code, result.output) == (0, "no trial is in error\n")
    assert files(study) == before


def test_a_design_of_several_scrambles_and_an_adaptive_study_keep_their_labels(name: str, tmp_path: Path) -> None:
    labels = ["trial_id", "recipe", "config_index", "source", "replicate", "study"]
    for place, more in (("sobol", ()), ("tpe", ("--sampler", "tpe"))):
        (tmp_path / "broken").touch()
        search(name, tmp_path / place, *more)
        before = load_results(tmp_path / place)
        (tmp_path / "broken").unlink()
        assert retry(tmp_path / place, "--trainable", name).exit_code == 0
        pd.testing.assert_frame_equal(load_results(tmp_path / place)[labels], before[labels])
    assert load_results(tmp_path / "sobol")["replicate"].nunique() > 1


def test_a_retry_is_logged_and_keeps_searches_out(study: Path, name: str) -> None:
    with lease(locate(study), pytest.fail):
        result = retry(study, "--trainable", name)
    assert result.exit_code == 2
    assert "another search" in result.stderr
    log = study.parent / "own.jsonl"
    assert retry(study, "--trainable", name, "--log-file", str(log)).exit_code == 0
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events == ["search_started", *["trial_ended"] * 4, "search_finished"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "which is not of this package; give --trainable"),
        (("--trainable", "os:system"), "received 'os:system'"),
        (("--executor", "locl"), "unknown executor 'locl'; did you mean 'local'?"),
        (("--cpus-per-trial", "0"), "--cpus-per-trial must be above 0, received 0"),
        (("--max-retries", "-1"), "--max-retries must be at least 0, received -1"),
        (("--trial-timeout", "soon"), "--trial-timeout takes a duration"),
        (("--max-concurrent", "0"), "--max-concurrent must be at least 1, received 0"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(study: Path, more: tuple[str, ...], words: str) -> None:
    before = files(study)
    result = retry(study, *more)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert files(study) == before


def test_no_study_is_one_line(tmp_path: Path) -> None:
    result = retry(tmp_path)
    assert result.exit_code == 2
    assert "is no study" in result.stderr
