"""The fault suite in short: `experiments/faults/run.py`, whose long run is in `results/faults`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "experiments" / "faults" / "run.py"


@pytest.mark.slow
def test_kills_at_random_moments_lose_double_and_change_nothing(folder, tmp_path: Path) -> None:
    out = tmp_path / "kills.jsonl"
    command = [sys.executable, str(RUN), "--kills", "8", "--num-configs", "12", "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        try:
            said, _ = run.communicate(timeout=500)
        except subprocess.TimeoutExpired:
            # Ended so, it takes its cluster with it.
            run.terminate()
            raise
    assert run.returncode == 0, said
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert sum(line["what"] == "killed" for line in lines) == 8
    ended = [line for line in lines if line["what"] == "ended"]
    assert ended
    for line in ended:
        assert line["rows"] == line["trials"] == 48
        assert [line[kind] for kind in ("lost", "foreign", "duplicated", "changed")] == [0, 0, 0, 0]
        assert line["stored_twice"] == 0
        assert line["defects"] == []


@pytest.mark.slow
def test_without_a_fault_the_differences_are_seen(folder) -> None:
    """The comparison itself, on rows that are lost, foreign, doubled and changed."""
    import pandas as pd
    from study import RESULTS, differences

    rows = pd.DataFrame({name: [f"{name}{i}" for i in range(4)] for name in RESULTS})
    none = {"rows": 4, "lost": 0, "foreign": 0, "duplicated": 0, "changed": 0}
    assert differences(rows, rows) == none
    assert differences(rows.iloc[::-1], rows) == none
    assert differences(rows.iloc[:3], rows) == none | {"rows": 3, "lost": 1}
    assert differences(rows, rows.iloc[:3]) == none | {"foreign": 1}
    assert differences(pd.concat([rows, rows.iloc[:2]]), rows) == none | {"rows": 6, "duplicated": 2}
    changed = rows.assign(score=["score0", "other", "score2", "score3"])
    assert differences(changed, rows) == none | {"changed": 1}
    diverged = rows.assign(score=[float("nan"), 1.0, 1.0, 1.0])
    assert differences(diverged, diverged) == none
    assert differences(diverged, diverged.assign(score=1.0)) == none | {"changed": 1}


@pytest.mark.slow
def test_a_second_row_of_a_trial_is_counted(tmp_path: Path) -> None:
    import pandas as pd
    from study import RESULTS, differences, rows_in_files

    rows = pd.DataFrame({name: [f"{name}{i}" for i in range(2)] for name in RESULTS})
    (tmp_path / "trials").mkdir()
    rows.to_parquet(tmp_path / "trials" / "compacted-a.parquet")
    assert differences(rows_in_files(tmp_path), rows)["duplicated"] == 0
    rows[:1].to_parquet(tmp_path / "trials" / "b.parquet")
    (tmp_path / "trials" / ".c.parquet.tmp").write_bytes(b"half")
    assert differences(rows_in_files(tmp_path), rows)["duplicated"] == 1


@pytest.mark.slow
def test_a_trial_that_is_stored_twice_is_seen_before_the_merging(tmp_path: Path) -> None:
    from study import Study

    once, twice, faulty = "1" * 20, "2" * 20, "3" * 20
    study = Study(tmp_path, 1)
    assert study.stored_twice() == 0
    (tmp_path / "trials").mkdir()
    for name in (once, twice, faulty):
        (tmp_path / "trials" / f"{name}-{'a' * 8}.parquet").touch()
    assert study.stored_twice() == 0
    for name in (twice, faulty):
        (tmp_path / "trials" / f"{name}-{'b' * 8}.parquet").touch()
    assert study.stored_twice() == 2
    assert study.stored_twice(but_for={faulty}) == 1
