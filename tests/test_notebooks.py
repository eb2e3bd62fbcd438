"""The example notebooks run from start to end, and are committed without what they print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "experiments" / "notebooks").glob("*.ipynb"))

# In a process of its own: Jupyter's event loop has warnings that are none of this project's.
RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=300, resources={"metadata": {"path": sys.argv[2]}}).execute()
nbformat.write(notebook, sys.argv[3])
"""


def test_there_is_a_notebook() -> None:
    assert [path.name for path in NOTEBOOKS] == ["query-the-results.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_without_outputs(path: Path) -> None:
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_tables_a_picture_and_the_comparison(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("nbclient", reason="nbclient, which runs notebooks, is missing")
    ran = tmp_path / "ran.ipynb"
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path), str(path.parent), str(ran)],
        cwd=ROOT,
        # Where the environment names a backend of matplotlib for tests, a notebook would show no picture.
        env={
            **{name: value for name, value in os.environ.items() if name != "MPLBACKEND"},
            "PYTHONPATH": str(ROOT),
            "IPYTHONDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    cells = [cell for cell in json.loads(ran.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    kinds = [kind for cell in cells for output in cell["outputs"] for kind in output.get("data", {})]
    assert kinds.count("text/html") == 5
    assert kinds.count("image/png") == 1
    assert "widen" in printed(cells)
    assert "Empty DataFrame" not in ran.read_text(encoding="utf-8")
    assert [output for cell in cells for output in cell["outputs"] if output.get("name") == "stderr"] == []


def printed(cells: list[dict[str, Any]]) -> str:
    return "".join(
        "".join(output["text"]) for cell in cells for output in cell["outputs"] if output.get("name") == "stdout"
    )
