from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from tune_stability.data_source import DataSource
from tune_stability.errors import UserError
from tune_stability.options import OPTION_NAMES, SearchOptions, search_options


def study_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "study.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("90", 90.0),
        ("90s", 90.0),
        ("15m", 900.0),
        ("1.5h", 5400.0),
        ("2d", 172_800.0),
        ("0.25 h", 900.0),
        ("  10 s  ", 10.0),
    ],
)
def test_durations(text: str | None, seconds: float | None) -> None:
    assert SearchOptions(time_budget=text).time_budget_seconds() == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "h",
        "-5m",
        "+5m",
        "1h30m",
        "15 minutes",
        "15M",
        "1,5h",
        ".5h",
        "5.h",
        "1e3s",
        "nan",
        "inf",
        "m15",
        "9\n9",
    ],
)
def test_bad_durations_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError) as caught:
        SearchOptions(time_budget=text)
    assert str(caught.value) == f"--time-budget takes a duration like 90s, 15m or 1.5h, received {text!r}."
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_configs": 0}, "--num-configs must be at least 1, received 0."),
        ({"seeds": -1}, "--seeds must be at least 1, received -1."),
        ({"max_concurrent": 0}, "--max-concurrent must be at least 1, received 0."),
        ({"design_seed": -1}, "--design-seed must be at least 0, received -1."),
        ({"cpus_per_trial": 0.0}, "--cpus-per-trial must be above 0, received 0."),
        ({"cpus_per_trial": -0.5}, "--cpus-per-trial must be above 0, received -0.5."),
        ({"cpus_per_trial": math.nan}, "--cpus-per-trial must be above 0, received nan."),
        ({"gpus_per_trial": -1.0}, "--gpus-per-trial must be at least 0, received -1."),
        ({"gpus_per_trial": math.nan}, "--gpus-per-trial must be at least 0, received nan."),
        ({"price_per_hour": 0.0}, "--price-per-hour must be above 0, received 0."),
        ({"price_per_hour": math.inf}, "--price-per-hour must be above 0, received inf."),
        ({"price_per_hour": math.nan}, "--price-per-hour must be above 0, received nan."),
    ],
)
def test_numbers_out_of_range(change: dict, message: str) -> None:
    with pytest.raises(UserError) as caught:
        SearchOptions(**change)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("change", "configurations"),
    [({}, 40), ({"num_configs": 7}, 7), ({"until_width": "0.1"}, 512), ({"until_width": "0.1", "num_configs": 7}, 7)],
)
def test_how_many_configurations_if_nobody_says(change: dict, configurations: int) -> None:
    assert SearchOptions(**change).configurations == configurations


def test_the_edges_of_the_ranges_are_allowed() -> None:
    options = SearchOptions(
        num_configs=1, seeds=1, max_concurrent=1, design_seed=0, cpus_per_trial=0.25, gpus_per_trial=0.0
    )
    assert (options.max_concurrent, options.gpus_per_trial) == (1, 0.0)
    assert SearchOptions(max_concurrent=None).max_concurrent is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("devlin,stable", ["devlin", "stable"]),
        (" devlin , stable ,", ["devlin", "stable"]),
        ("devlin+epochs", ["devlin+epochs"]),
        ("", []),
        (",,", []),
    ],
)
def test_recipe_names(text: str, names: list[str]) -> None:
    assert SearchOptions(recipes=text).recipe_names == names


@pytest.mark.parametrize(("text", "tools"), [("", ()), ("mlflow", ("mlflow",)), (" a , b ,a,", ("a", "b"))])
def test_tools_to_log_to_are_named_once(text: str, tools: tuple[str, ...]) -> None:
    assert SearchOptions(log_to=text).log_tools == tools


def test_a_study_file_lists_tools_to_log_to(tmp_path: Path) -> None:
    options = search_options(study_file(tmp_path, "log_to = ['tensorboard', 'mlflow']"), {})
    assert options.log_tools == ("tensorboard", "mlflow")


@pytest.mark.parametrize(
    ("change", "folder"),
    [
        ({}, "results/local/wide-micro-bert-grammar"),
        ({"out": "s3://bucket/study"}, "s3://bucket/study"),
        ({"space": "narrow", "model": "org/bert-large"}, "results/local/narrow-bert-large-grammar"),
        ({"space": "spaces/mine.toml", "model": "/models/mine/"}, "results/local/mine-mine-grammar"),
        ({"task": "file:data/train.tsv,/else/dev.tsv"}, "results/local/wide-micro-bert-train-dev"),
        ({"task": "file:my data (1).csv,../été.v2.csv"}, "results/local/wide-micro-bert-my_data_1_-été.v2"),
    ],
)
def test_the_folder_of_a_study(change: dict, folder: str) -> None:
    assert SearchOptions(**change).folder == folder


def test_where_the_data_are_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named = SearchOptions(task="rte", data_dir="glue", metric="f1")
    assert named.data == DataSource(data_dir=str(tmp_path / "glue"), metric="f1")
    assert named.task_name == "rte"
    own = SearchOptions(task="file:a.csv,/b/c.csv", text_columns=" x , y,", label_column="stars")
    assert own.data == DataSource(
        files=(str(tmp_path / "a.csv"), "/b/c.csv"), text_columns=("x", "y"), label_column="stars"
    )
    assert own.task_name == "file:a.csv,c.csv"
    assert SearchOptions().data == DataSource()


def test_each_source_overrides_the_one_before(tmp_path: Path) -> None:
    path = study_file(tmp_path, 'space = "narrow"\nseeds = 7\nrecipes = ["devlin", "stable"]\nplan = true\n')
    given = {"seeds": 9, "space": None, "verbose": True, "plan": False, "max_concurrent": None}
    options = search_options(path, given)
    expected = dataclasses.replace(
        SearchOptions(), space="narrow", seeds=9, recipes="devlin,stable", verbose=True, plan=False
    )
    assert options == expected
    assert search_options(path, {}).seeds == 7
    assert search_options(path, {}).plan is True


def test_without_a_file_or_arguments_the_defaults_hold() -> None:
    assert search_options(None, {}) == SearchOptions()
    assert search_options(None, dict.fromkeys(OPTION_NAMES)) == SearchOptions()


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert search_options(study_file(tmp_path, "# nothing\n"), {"seeds": 4}) == SearchOptions(seeds=4)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("cpus_per_trial = 2", "cpus_per_trial", 2.0),
        ("gpus_per_trial = 1", "gpus_per_trial", 1.0),
        ("max_concurrent = 3", "max_concurrent", 3),
        ("time_budget = 90", "time_budget", "90"),
        ("time_budget = 1.5", "time_budget", "1.5"),
        ('time_budget = "2h"', "time_budget", "2h"),
        ("until_width = 0.1", "until_width", "0.1"),
        ("until_width = 1", "until_width", "1"),
        ("price_per_hour = 2", "price_per_hour", 2.0),
        ('recipes = "devlin"', "recipes", "devlin"),
        ("recipes = []", "recipes", ""),
        ('out = "there"', "out", "there"),
        ("verbose = true", "verbose", True),
    ],
)
def test_values_of_a_study_file(tmp_path: Path, text: str, name: str, value: object) -> None:
    got = getattr(search_options(study_file(tmp_path, text), {}), name)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = 3", "unknown option in {path}: 'seed'; did you mean 'seeds'? Allowed: address, "),
        ("num-configs = 3", "'num-configs'; did you mean 'num_configs'?"),
        ("[space]\nlow = 1", "space in {path} must be of type str, received {{'low': 1}}."),
        ("seeds = 3.0", "seeds in {path} must be of type int, received 3.0."),
        ('seeds = "3"', "seeds in {path} must be of type int, received '3'."),
        ("seeds = true", "seeds in {path} must be of type int, received True."),
        ("plan = 1", "plan in {path} must be of type bool, received 1."),
        ("space = 1", "space in {path} must be of type str, received 1."),
        ("recipes = [1, 2]", "recipes in {path} must be of type str, received [1, 2]."),
        ('model = ["micro-bert"]', "model in {path} must be of type str, received ['micro-bert']."),
        ("cpus_per_trial = true", "cpus_per_trial in {path} must be of type float, received True."),
        ("max_concurrent = 1.5", "max_concurrent in {path} must be of type int, received 1.5."),
        ("until_width = true", "until_width in {path} must be of type str, received True."),
        ("time_budget = true", "time_budget in {path} must be of type str, received True."),
        ("time_budget = nan", "--time-budget takes a duration like 90s, 15m or 1.5h, received 'nan'."),
        ("seeds = 0", "--seeds must be at least 1, received 0."),
        ("cpus_per_trial = nan", "--cpus-per-trial must be above 0, received nan."),
        ("seeds = ", "{path} is not a readable TOML file: "),
        ("seeds = 1\nseeds = 2", "{path} is not a readable TOML file: "),
        (b"\xff\xfe\x00", "{path} is not a readable TOML file: "),
    ],
)
def test_bad_study_files_are_refused_in_one_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    path = study_file(tmp_path, text)
    with pytest.raises(UserError) as caught:
        search_options(path, {})
    assert words.format(path=path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_argument_does_not_excuse_a_bad_study_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="seeds in"):
        search_options(study_file(tmp_path, 'seeds = "3"'), {"seeds": 3})


def test_a_study_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"^no study file at '.*gone\.toml'; give the TOML file that holds the options\.$"
    ):
        search_options(tmp_path / "gone.toml", {})
    with pytest.raises(UserError, match="is not a readable TOML file"):
        search_options(tmp_path, {})
