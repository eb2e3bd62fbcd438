"""The searches that the cluster files and their README start, through the parser of the options."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from tune_stability.options import OPTION_NAMES, SearchOptions, search_options
from tune_stability.search import search

FILES = ("README.md", "aws.yaml", "gcp.yaml", "kuberay-rayjob.yaml", "slurm.sh")


def options_of(arguments: list[str]) -> SearchOptions:
    """What a search with these arguments runs with. Raises what the command line would show."""
    app = typer.Typer(add_completion=False)
    app.command()(search)
    given = dict(typer.main.get_command(app).make_context("search", list(arguments)).params)
    settings, tools = given["settings"], given["log_to"]
    given["settings"] = tuple(settings) if settings else None
    given["log_to"] = ",".join(tools) if tools else None
    return search_options(None, {name: given[name] for name in OPTION_NAMES})


def searches(text: str) -> Iterator[list[str]]:
    """The arguments of every search in a text: those of the module, and those that slurm.sh hands on."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        start = re.search(r"tune_stability\.search(?= --)|slurm\.sh(?= --)", line)
        if start is not None:
            yield shlex.split(line[start.end() :].rstrip("'\"` ").split("#")[0])


@pytest.mark.parametrize("name", ["README.md", "slurm.sh"])
def test_every_search_is_one_that_the_parser_takes(name: str, cluster_files: Path) -> None:
    found = list(searches((cluster_files / name).read_text(encoding="utf-8")))
    # The line of the script that starts the search ends in "$@" &, where "$@" stands for what sbatch was given.
    given = [[word for word in arguments if word not in ("$@", "&")] for arguments in found]
    assert len(given) >= 2
    for arguments in given:
        assert set(vars(options_of(arguments))) == set(OPTION_NAMES)


def test_the_job_of_kuberay_is_one_that_the_parser_takes(cluster_files: Path) -> None:
    documents = yaml.safe_load_all((cluster_files / "kuberay-rayjob.yaml").read_text(encoding="utf-8"))
    (entrypoint,) = (document["spec"]["entrypoint"] for document in documents if document["kind"] == "RayJob")
    assert "\n" not in entrypoint
    (arguments,) = searches(entrypoint)
    options = options_of(arguments)
    assert options.address == "auto"
    assert options.folder == "s3://CHANGE_ME/wide"
    # 64 workers, four trials on the GPU of each.
    assert (options.gpus_per_trial, options.max_concurrent, options.trial_timeout) == (0.25, 256, "2h")


def test_a_wrong_search_would_be_noticed() -> None:
    (arguments,) = searches("python -m tune_stability.search --address auto --gpu-per-trial 1")
    with pytest.raises(Exception, match="No such option"):
        options_of(arguments)


def test_slurm_script_is_bash(cluster_files: Path) -> None:
    script = cluster_files / "slurm.sh"
    ended = subprocess.run(["bash", "-n", str(script)], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    # sbatch reads its options up to the first command.
    lines = script.read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
    assert not [line for line in lines[first:] if line.startswith("#SBATCH")]
    assert {"#SBATCH --requeue", "#SBATCH --exclusive", "#SBATCH --no-kill"} <= set(lines[:first])


def test_slurm_script_says_what_it_lacks(cluster_files: Path) -> None:
    bare = {"PATH": "/usr/bin:/bin"}
    ended = subprocess.run(["bash", cluster_files / "slurm.sh"], check=False, capture_output=True, text=True, env=bare)
    assert ended.returncode != 0
    assert "give the environment that has the package" in ended.stderr


@pytest.mark.parametrize("name", FILES)
def test_no_file_holds_a_key(name: str, cluster_files: Path) -> None:
    text = (cluster_files / name).read_text(encoding="utf-8")
    assert not re.search(
        r"AKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY|(?i:secret_access_key|aws_session_token)\s*[:=]", text
    )


@pytest.mark.parametrize("name", ["aws.yaml", "gcp.yaml", "kuberay-rayjob.yaml"])
def test_every_value_to_fill_in_is_explained(name: str, cluster_files: Path) -> None:
    lines = (cluster_files / name).read_text(encoding="utf-8").splitlines()
    explained: set[str] = set()
    for number, line in enumerate(lines):
        if "CHANGE_ME" in line and not line.lstrip().startswith("#"):
            field = line.split(":")[0].strip(" -")
            above = [other.lstrip() for other in lines[number - 3 : number]]
            # Once explained, the same field may stand again without a comment.
            assert any(other.startswith("#") for other in above) or field in explained, line
            explained.add(field)
    assert explained
