from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from tune_stability import load_results
from tune_stability.cli import app
from tune_stability.display.console import make_console
from tune_stability.display.status import print_status
from tune_stability.search import search
from tune_stability.store import read_study, verify_store
from tune_stability.store.processes import Process, this_process
from tune_stability.store.signs import Sign

ANALYTIC = ("--trainable", "tune_stability.training.analytic:run_trial", "--executor", "local", "--seeds", "2")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole study of 32 trials, compacted."""
    out = tmp_path_factory.mktemp("study") / "made"
    one = typer.Typer()
    one.command()(search)
    given = ("--space", "lr", "--num-configs", "8", "--task", "none", "--model", "analytic/a", "--out", str(out))
    result = CliRunner().invoke(one, [*ANALYTIC, *given])
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture
def study(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "study"))


def rows_of(study: Path, table: str = "trials") -> tuple[Path, pa.Table]:
    (file,) = (study / table).iterdir()
    return file, pq.read_table(file)


def changed(rows: pa.Table, column: str, value: object) -> pa.Table:
    """The first row alone, with another value in a column."""
    first = rows.slice(0, 1)
    place = rows.schema.get_field_index(column)
    return first.set_column(place, rows.schema.field(place), pa.array([value], rows.schema.field(place).type))


def test_a_whole_study_is_sound(study: Path) -> None:
    result = run("verify", study)
    assert result.exit_code == 0, result.output
    assert "32 of 32 planned trials have a row" in result.output
    assert result.output.strip().endswith("sound")
    assert verify_store(study).defects == ()


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("learning_rate", 0.5, "1 rows are not of the trial that their id says"),
        ("trial_id", "0" * 20, "1 rows are not of the trial that their id says"),
        ("score", 0.123, "1 trials have completed rows that differ"),
    ],
)
def test_a_changed_row_is_a_defect(study: Path, column: str, value: object, said: str) -> None:
    file, rows = rows_of(study)
    one = changed(rows, column, value)
    kept = rows if column == "score" else rows.slice(1)
    pq.write_table(kept, file)
    pq.write_table(one, file.with_name(f"{'a' * 20}-{'b' * 16}.parquet"))
    result = run("verify", study)
    assert result.exit_code == 1
    assert said in result.output
    assert "not sound" in result.output


def test_a_file_cut_short_is_a_defect(study: Path) -> None:
    file, _ = rows_of(study, "curves")
    file.write_bytes(file.read_bytes()[:100])
    result = run("verify", study)
    assert result.exit_code == 1
    assert f"1 files cannot be read: curves/{file.name}" in result.output.replace("\n", "")


def test_a_trial_of_another_study_is_a_defect(study: Path) -> None:
    text = (study / "study.json").read_text()
    (study / "study.json").write_text(text.replace('"design_seed": 0', '"design_seed": 1'))
    result = run("verify", study)
    assert result.exit_code == 1
    assert "32 trials are not of this study" in result.output


def test_what_is_twice_or_in_flight_is_no_defect(study: Path) -> None:
    file, rows = rows_of(study)
    pq.write_table(rows.slice(0, 3), file.with_name(f"{'a' * 20}-{'b' * 16}.parquet"))
    pq.write_table(rows.slice(0, 30), file)
    found = verify_store(study)
    assert found.defects == ()
    assert "3 rows repeat another one; compacting leaves one of each" in found.notes
    assert any("2 trials have curves and no row" in note for note in found.notes)
    before = load_results(study)
    assert run("compact", study).output.strip() == "2 files merged"
    assert load_results(study).equals(before)
    assert run("compact", study).output.strip() == "nothing to merge"


def test_status_counts_and_tells_the_speed(study: Path, capsys) -> None:
    spec, trials = read_study(study), load_results(study)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    started = [start + timedelta(minutes=place) for place in range(len(trials))]
    trials = trials.assign(started_at=started, seconds=0.0).head(21)
    trials.loc[0, ["status", "outcome", "error"]] = ["error", None, "Traceback\n  ...\nMemoryError: 3 GiB"]
    print_status("here", spec, trials, make_console(), now=start + timedelta(minutes=25))
    said = capsys.readouterr().out
    assert "21 of 32 trials (65.6 %): 20 completed, 1 errors" in said
    assert "ended 5 min ago; 1 trials a minute before; 11 left, 11 min at that speed" in said
    assert "1 x MemoryError: 3 GiB" in said
    row = next(line.split() for line in said.splitlines() if line.strip().startswith("stable"))
    own = trials[trials["recipe"] == "stable"]
    wins = str((own["outcome"] == "success").sum())
    errors = str((own["status"] == "error").sum())
    assert row[1:] == ["16", str((own["status"] == "completed").sum()), wins, errors]


def test_status_of_a_study_without_a_row(study: Path) -> None:
    shutil.rmtree(study / "trials")
    result = run("status", study)
    assert result.exit_code == 0
    assert "0 of 32 trials (0.0 %)" in result.output


def test_status_tells_who_runs_the_study(study: Path) -> None:
    assert "no search is running it" in run("status", study).output
    said = "a search {}: {}, pid {}, since 2026-01-01T00:00:00, last sign of life 2026-01-01T00:00:20"
    here, there = this_process(), Process("spot-3", 7, "another boot", 70)
    for process, verb in ((here, "runs it"), (there, "may be running it")):
        sign = Sign(process, "running", "2026-01-01T00:00:00", "2026-01-01T00:00:20")
        (study / "searches").mkdir(exist_ok=True)
        (study / "searches" / "1.json").write_text(sign.to_json())
        assert said.format(verb, process.host, process.pid) in run("status", study).output
    (study / "searches" / "1.json").write_text("{")
    assert "no search is running it" in run("status", study).output
    assert run("verify", study).output.strip().endswith("sound")


@pytest.mark.parametrize("command", ["status", "verify", "compact"])
def test_no_study_is_one_line(command: str, tmp_path: Path) -> None:
    result = run(command, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_verifying_changes_nothing(study: Path) -> None:
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    run("verify", study)
    run("status", study)
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before
    assert pc.count(rows_of(study)[1]["trial_id"]).as_py() == 32
