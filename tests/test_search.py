"""The command line: bad input, help, and one whole study from the outside."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tune_stability import load_results
from tune_stability.cli import app
from tune_stability.hyperparameters import HYPERPARAMETER_NAMES

ANALYTIC = ["--trainable", "tune_stability.training.analytic:run_trial", "--model", "analytic/x", "--task", "none"]
SMALL = [*ANALYTIC, "--executor", "local", "--space", "lr", "--num-configs", "4", "--seeds", "1"]


def search(*arguments: str) -> Result:
    """`tune-stability search` in this process."""
    return CliRunner().invoke(app, ["search", *arguments])


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`python -m tune_stability.search` in a process of its own."""
    whole = [sys.executable, "-m", "tune_stability.search", *arguments]
    return subprocess.run(whole, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def refused(result: Result, *words: str) -> None:
    """Check that the command ended with one line on standard error, which has these words."""
    assert result.exit_code == 2, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--space", "wid"], ["unknown search space 'wid'", "did you mean 'wide'?"]),
        (["--recipes", "devlin,stabel"], ["unknown recipe 'stabel'", "did you mean 'stable'?"]),
        (["--model", "micro-brt"], ["unknown model 'micro-brt'", "did you mean 'micro-bert'?"]),
        (["--task", "gramar"], ["unknown task 'gramar'", "did you mean 'grammar'?"]),
        (["--task", "stsb"], ["the task 'stsb' is a regression"]),
        (["--task", "rte", "--data-dir", "nowhere"], ["no train-*.parquet", "nowhere/rte'", "--data-dir"]),
        (["--task", "file:gone.csv,dev.csv"], ["no file at '", "gone.csv'"]),
        (["--task", "file:gone.csv"], ["takes two files, received 'file:gone.csv'"]),
        (["--task", "grammar", "--metric", "acuracy"], ["unknown metric 'acuracy'", "did you mean 'accuracy'?"]),
        (["--task", "grammar", "--train-size", "1025"], ["train_size is 1025, the training set has 1024"]),
        (["--sampler", "sobel"], ["unknown sampler 'sobel'", "did you mean 'sobol'?"]),
        (["--executor", "locl"], ["unknown executor 'locl'", "did you mean 'local'?"]),
        (["--log-to", "mlflo"], ["unknown tool to log to 'mlflo'", "did you mean 'mlflow'?"]),
        (["--log-to", "tensorboard"], ["works through Ray's callbacks, received --executor local"]),
        (["--success-rule", "majorty"], ["unknown success rule 'majorty'", "did you mean 'majority'?"]),
        (["--success-rule", "margin"], ["margin needs a number", "margin:0.05"]),
        (["--trainable", "no_such_module:run"], ["'no_such_module:run'", "give package.module:function"]),
        (["--recipes", ""], ["received none"]),
        (["--recipes", "devlin,devlin"], ["devlin, devlin"]),
        (["--recipes", "devlin,devlin+epochs"], ["devlin and devlin+epochs are the same in the space wide"]),
        (["--num-configs", "0"], ["--num-configs must be at least 1, received 0"]),
        (["--seeds", "-1"], ["--seeds must be at least 1, received -1"]),
        (["--seeds", "1001"], ["at most 1000 seeds, received 1001"]),
        (["--until-width", "0"], ["--until-width takes a width between 0 and 2, as in 0.10, received '0'"]),
        (["--until-width", "narrow"], ["--until-width takes a width between 0 and 2", "received 'narrow'"]),
        (["--until-width", "0.1", "--sampler", "tpe"], ["a design that can grow, received the sampler 'tpe'"]),
        (["--until-width", "0.1", "--recipes", "stable"], ["received 'stable' as recipes; give two"]),
        (["--price-per-hour", "0"], ["--price-per-hour must be above 0, received 0"]),
        (["--max-concurrent", "0"], ["--max-concurrent must be at least 1, received 0"]),
        (["--cpus-per-trial", "0"], ["--cpus-per-trial must be above 0, received 0"]),
        (["--time-budget", "5x"], ["--time-budget takes a duration like 90s, 15m or 1.5h, received '5x'"]),
        (["--sampler", "grid", "--num-configs", "10"], ["received 10 configurations", "take one of 1, 8, 27"]),
        (["--study", "missing.toml"], ["no study file at 'missing.toml'"]),
        (["--space", "missing.toml"], ["no search space at 'missing.toml'"]),
    ],
)
def test_bad_options_are_refused_in_one_line_and_nothing_is_written(
    tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    # An argument given twice counts as given last. Models and tasks mean something to the built-in trainable only.
    built_in = arguments[0] in ("--model", "--task")
    usual = ["--executor", "local", *([] if built_in else ANALYTIC)]
    out = tmp_path / "study"
    refused(search(*usual, "--out", str(out), *arguments), *words)
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[axes.learning_rate]\nlow = 1e-3\nhigh = 1e-5\nscale = 'log'",
            ["learning_rate must rise", "low=0.001", "1e-05"],
        ),
        ("[axes.learning_rate]\nlow = 1e-5\nhigh = 1e-5", ["learning_rate must rise"]),
        ("[axes.learning_rate]\nlow = 0\nhigh = 1e-5\nscale = 'log'", ["log scale", "received 0"]),
        ("[axes.learning_rate]\nlow = 1e-5", ["takes low, high and scale, or choices"]),
        ("[axes.learning_rat]\nlow = 1e-5\nhigh = 1e-3", ["'learning_rat'", "did you mean 'learning_rate'?"]),
        ("[axes.learning_rate]\nlow = 1e-5\nhigh = 1e-3\nscale = 'lg'", ["'lg'", "did you mean 'log'?"]),
        ("[axes.bias_correction]\nlow = 0\nhigh = 1", ["bias_correction is a switch"]),
        ("axis = 1", ["unknown key", "'axis'", "did you mean 'axes'?"]),
        ("name = 'x'", ["no table [axes.NAME]"]),
        ("[axes", ["TOML"]),
    ],
)
def test_a_bad_space_file_is_refused_in_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    space, out = tmp_path / "own.toml", tmp_path / "study"
    space.write_text(text)
    refused(search(*SMALL, "--out", str(out), "--space", str(space)), *words)
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("num_config = 3", ["unknown option", "'num_config'", "did you mean 'num_configs'?"]),
        ("num_configs = 'three'", ["num_configs", "must be of type int", "'three'"]),
        ("seeds = 0", ["--seeds must be at least 1"]),
        ("space = ", ["TOML"]),
    ],
)
def test_a_bad_study_file_is_refused_in_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    study, out = tmp_path / "study.toml", tmp_path / "study"
    study.write_text(text)
    refused(search("--study", str(study), "--out", str(out)), *words)
    assert not out.exists()


def test_a_space_file_and_a_study_file_are_followed(tmp_path: Path) -> None:
    space, study, out = tmp_path / "own.toml", tmp_path / "all.toml", tmp_path / "study"
    space.write_text(
        "[axes.learning_rate]\nlow = 1e-5\nhigh = 1e-4\nscale = 'log'\n[axes.num_epochs]\nlow = 2\nhigh = 4\n"
    )
    study.write_text(
        f"space = '{space}'\nrecipes = ['devlin', 'stable']\ntrainable = '{ANALYTIC[1]}'\nmodel = 'analytic/x'\n"
        f"task = 'none'\nexecutor = 'local'\nnum_configs = 6\nseeds = 2\nreplicates = 1\nout = '{out}'\n"
    )
    result = search("--study", str(study), "--seeds", "1")
    assert result.exit_code == 0, result.output
    rows = load_results(out)
    assert len(rows) == 6 * 2
    assert rows["learning_rate"].between(1e-5, 1e-4).all()
    assert set(rows["num_epochs"]) == {2, 3, 4}
    assert rows["learning_rate"].nunique() == 6
    assert rows["replicate"].isna().all()


def test_a_sobol_design_is_of_replicates_and_a_stored_one_keeps_its_own(tmp_path: Path) -> None:
    out = tmp_path / "study"
    assert search(*SMALL, "--out", str(out), "--num-configs", "9").exit_code == 0
    rows = load_results(out)
    assert (rows["replicate"] == rows["config_index"] % 8).all()
    refused(search(*SMALL, "--out", str(out), "--replicates", "4"), "its replicates is 8, received 4")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--space", "wide"], ["search space"]),
        (["--sampler", "random"], ["its sampler is 'sobol', received 'random'"]),
        (["--design-seed", "7"], ["its design_seed is 0, received 7"]),
        (["--model", "other/y"], ["its model is 'analytic/x', received 'other/y'"]),
        (["--plan", "--design-seed", "7"], ["its design_seed is 0, received 7"]),
        (["--sampler", "tpe"], ["its sampler is 'sobol', received 'tpe'"]),
    ],
)
def test_a_folder_of_another_study_is_refused_and_kept(tmp_path: Path, change: list[str], words: list[str]) -> None:
    out = tmp_path / "study"
    assert search(*SMALL, "--out", str(out)).exit_code == 0
    before = snapshot(out)
    refused(search(*SMALL, "--out", str(out), *change), "holds another study", *words, "give another --out")
    assert snapshot(out) == before


def test_an_adaptive_study_of_another_space_is_refused_in_one_line(tmp_path: Path) -> None:
    # What the store knows lies outside the range that is asked for.
    arguments = [*SMALL, "--sampler", "tpe", "--out", str(tmp_path / "study")]
    assert search(*arguments, "--space", "wide").exit_code == 0
    refused(search(*arguments, "--space", "narrow"), "holds another study", "search space")


def test_a_folder_of_other_files_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    refused(search(*SMALL, "--out", str(tmp_path)), "holds thesis.txt", "empty or new folder as --out")
    assert snapshot(tmp_path) == {"thesis.txt": b"mine"}


def test_a_damaged_study_file_is_refused_and_kept(tmp_path: Path) -> None:
    out = tmp_path / "study"
    assert search(*SMALL, "--out", str(out)).exit_code == 0
    (out / "study.json").write_text('{"schema_version": 1, "na')
    before = snapshot(out)
    refused(search(*SMALL, "--out", str(out)), "study.json is damaged")
    assert snapshot(out) == before


def test_a_truncated_shard_is_named_and_its_trials_run_again(tmp_path: Path) -> None:
    out = tmp_path / "study"
    assert search(*SMALL, "--out", str(out)).exit_code == 0
    expected = load_results(out)["trial_id"].to_list()
    (shard,) = (out / "trials").iterdir()
    shard.write_bytes(shard.read_bytes()[:-100])
    from tune_stability.store import StoreWarning

    with warnings.catch_warnings():
        warnings.simplefilter("default", StoreWarning)
        result = search(*SMALL, "--out", str(out))
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("warning: ")
    assert shard.name in line
    assert "8 trials to run, 0 already done" in result.stdout
    with pytest.warns(StoreWarning, match=shard.name):
        assert load_results(out)["trial_id"].to_list() == expected


def test_a_study_below_a_regular_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    refused(search(*SMALL, "--out", str(tmp_path / "file" / "study")), "cannot", "file/study")
    refused(search(*SMALL, "--out", str(tmp_path / "file")), "is a file, and a study is a folder")
    assert snapshot(tmp_path) == {"file": b"mine"}


def test_a_place_of_unknown_kind_is_refused() -> None:
    refused(search(*SMALL, "--out", "nowhere://bucket/study"), "nowhere://bucket/study")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--space", "wid"], ["did you mean 'wide'?"]),
        (["--out", "file/study"], ["cannot", "file/study"]),
    ],
)
def test_a_process_of_its_own_ends_the_same_way(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    (tmp_path / "file").touch()
    done = command(*SMALL, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert all(word in done.stderr for word in words)
    assert "Traceback" not in done.stdout


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tune_stability.execution.local.LocalExecutor.run", stop)
    result = search(*SMALL, "--out", str(tmp_path / "study"))
    assert result.exit_code == 130
    assert "Stopped. What had ended is stored; to go on: " in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "program",
    [
        ["-m", "tune_stability.search", "--help"],
        ["-c", "from tune_stability.cli import main; main()", "search", "--help"],
        ["-c", "from tune_stability.cli import main; main()", "--help"],
    ],
)
def test_help(program: list[str]) -> None:
    done = subprocess.run([sys.executable, *program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    assert done.stderr == ""
    if "search" in "".join(program[0:3:2]) or "search" in program:
        for option in ("space", "recipes", "sampler", "num-configs", "seeds", "out", "address", "time-budget", "plan"):
            assert f"--{option}" in done.stdout
    assert "search" in done.stdout


def test_help_names_the_defaults() -> None:
    text = " ".join(search("--help").output.replace("│", " ").split())
    for default in ("Default: wide", "Default: devlin,stable", "Default: micro-bert", "Default: sobol"):
        assert default in text


def test_help_names_what_can_be_set() -> None:
    text = " ".join(search("--help").output.replace("│", " ").split())
    assert ", ".join(HYPERPARAMETER_NAMES) in text


def test_the_default_folder_is_made_of_space_model_and_task(tmp_path: Path) -> None:
    done = command(*SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    folder = tmp_path / "results" / "local" / "lr-x-none"
    assert sorted(path.name for path in folder.iterdir()) == [
        "curves",
        "gradients",
        "region.png",
        "search.jsonl",
        "searches",
        "study.json",
        "trials",
    ]
    assert len(load_results(folder)) == 8
    assert "8 trials to run, 0 already done" in done.stdout
    assert "8/8 trials" in done.stdout
    assert "Widening" in done.stdout


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
