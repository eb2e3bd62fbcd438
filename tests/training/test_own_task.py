"""A trial on files of one's own, from whatever folder it runs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tune_stability.data_source import DataSource
from tune_stability.errors import UserError
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.tasks import load_task
from tune_stability.training.fine_tuning import run_trial
from tune_stability.trials import TrialConfig

NAME = "file:train.tsv,dev.tsv"


def source(folder: Path, *texts: str) -> DataSource:
    """Three classes, a quote that never closes, and a metric other than the usual."""
    rows = ["says\tverdict", '"the dog watches .\tgood', "dog the\tbad", ". .\tugly", *(f"{t}\tgood" for t in texts)]
    for name in ("train.tsv", "dev.tsv"):
        (folder / name).write_text("\n".join(rows) + "\n")
    return DataSource(
        files=(str(folder / "train.tsv"), str(folder / "dev.tsv")),
        label_column="verdict",
        metric="matthews_correlation",
    )


def trial(data: DataSource, fingerprint: str) -> TrialConfig:
    return TrialConfig(
        model="micro-bert",
        model_revision="",
        task=NAME,
        task_fingerprint=fingerprint,
        hyperparameters=Hyperparameters(learning_rate=3e-4, max_steps=2, batch_size=2),
        seed=0,
        recipe="x",
        config_index=0,
        data=data,
    )


def test_a_trial_on_files_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = source(tmp_path)
    fingerprint = load_task(NAME, data).fingerprint
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = run_trial(trial(data, fingerprint))
    assert (result.metric, result.majority_score, result.steps) == ("matthews_correlation", 0.0, 2)
    assert len(result.predicted_share) == 3


def test_files_that_changed_since_the_study_was_planned_are_refused(tmp_path: Path) -> None:
    fingerprint = load_task(NAME, source(tmp_path)).fingerprint
    changed = source(tmp_path, "a cat")
    with pytest.raises(
        UserError, match=rf"^the data of the task '{NAME}' have the fingerprint .*, expected {fingerprint}; "
    ):
        run_trial(trial(changed, fingerprint))


def test_a_text_that_the_model_would_cut_is_refused(tmp_path: Path) -> None:
    data = source(tmp_path, "the " * 60)
    with pytest.raises(
        UserError, match=r"^the model takes 48 tokens, max_seq_length is 128 and the longest text has 62"
    ):
        run_trial(trial(data, load_task(NAME, data).fingerprint))
