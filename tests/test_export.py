"""The command: what it writes, and what it refuses in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tune_stability.cli import app
from tune_stability.export import export_study

ROOT = Path(__file__).parent.parent
STORE = str(ROOT / "results" / "lr-minilm-rte")


def export(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["export", *arguments])


@pytest.mark.parametrize("to", ["csv", "deepcave", "optuna"])
def test_a_real_study_is_written_once(tmp_path: Path, to: str) -> None:
    out = tmp_path / "new"
    result = export(STORE, "--to", to, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert result.stdout == f"16 trials written to {out}\n"
    assert out.is_dir() == (to == "deepcave")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    result = export(STORE, "--to", to, "--out", str(out))
    assert result.exit_code == 2
    assert "overwrites nothing" in result.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("store", "to", "words"),
    [
        (STORE, "deepcav", ["unknown format 'deepcav'", "did you mean 'deepcave'?"]),
        (STORE, "", ["unknown format ''", "Allowed: csv, deepcave, optuna"]),
        ("nowhere", "csv", ["nowhere is no study"]),
    ],
)
def test_bad_input_is_refused_in_one_line(tmp_path: Path, store: str, to: str, words: list[str]) -> None:
    result = export(store, "--to", to, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert all(word in line for word in words)
    assert not (tmp_path / "out").exists()


def test_a_study_without_a_trial_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "study.json").write_bytes((Path(STORE) / "study.json").read_bytes())
    with pytest.raises(ValueError, match="has no trial yet; run its search first"):
        export_study(str(tmp_path / "empty"), "csv", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_it_is_a_module_to_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tune_stability.export", STORE, "--to", "csv", "--out", str(tmp_path / "a.csv")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 17
