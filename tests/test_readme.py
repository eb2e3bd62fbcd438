"""The README's code runs as it stands, against the committed results."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from tune_stability.export import export
from tune_stability.options import OPTION_NAMES
from tune_stability.recipes import RECIPES
from tune_stability.report import report
from tune_stability.rerun import rerun
from tune_stability.spaces import SPACE_NAMES, load_space

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_code_runs(block: str, monkeypatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) >= 1
    assert "Empty" not in printed


def test_there_are_queries_to_run() -> None:
    assert len(re.findall(r"^# \d\. ", "".join(BLOCKS), flags=re.MULTILINE)) == 5


def test_toml_space_is_a_space(tmp_path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "mine.toml").write_text(block)
    assert load_space(tmp_path / "mine.toml").names == ("learning_rate", "num_epochs", "lr_scheduler_type")


def test_options_recipes_and_spaces_exist() -> None:
    options = {name[2:].replace("-", "_") for name in re.findall(r"`(--[a-z-]+)", README)}
    others = {name for command in (report, rerun, export) for name in inspect.signature(command).parameters}
    # `--set` fills the option `settings`.
    assert options - {"study", "help", "set"} <= {*OPTION_NAMES, *others}
    rows = re.findall(r"^\| `([a-z][a-z+-]*)` \|", README, flags=re.MULTILINE)
    assert set(rows) == {*RECIPES, *SPACE_NAMES}


def test_pictures_and_files_exist() -> None:
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).is_file(), path
