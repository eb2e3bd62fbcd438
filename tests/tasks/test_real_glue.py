"""The real RTE, MRPC and CoLA, where they are at hand: sizes and majority scores as the paper's facts have them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tune_stability.data_source import DataSource
from tune_stability.tasks import load_task

FOLDER = Path(os.environ.get("TUNE_STABILITY_GLUE") or Path(__file__).parents[2].parent / "shared" / "data" / "glue")

# Mosbach et al. 2020, section 3 and appendix: examples of both splits, metric, majority score.
FACTS = [
    ("rte", None, 2490, 277, "accuracy", 0.527),
    ("mrpc", None, 3668, 408, "f1", 0.812),
    ("mrpc", "accuracy", 3668, 408, "accuracy", 0.684),
    ("mrpc", "accuracy_and_f1", 3668, 408, "accuracy_and_f1", 0.748),
    ("cola", None, 8551, 1043, "matthews_correlation", 0.0),
]


@pytest.mark.parametrize(("name", "given", "num_train", "num_validation", "metric", "majority"), FACTS)
def test_the_papers_facts(
    name: str, given: str | None, num_train: int, num_validation: int, metric: str, majority: float
) -> None:
    if not (FOLDER / name).is_dir():
        pytest.skip(f"GLUE is not redistributed; put nyu-mll/glue's files at {FOLDER} or set TUNE_STABILITY_GLUE")
    task = load_task(name, DataSource(data_dir=str(FOLDER), metric=given))
    assert (len(task.train), len(task.validation)) == (num_train, num_validation)
    assert (task.metric, task.num_labels) == (metric, 2)
    assert task.majority_score() == pytest.approx(majority, abs=5e-4)
