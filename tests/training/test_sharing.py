from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest

from tune_stability.data_source import DataSource
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.tasks import load_task
from tune_stability.training import prepared
from tune_stability.training.fine_tuning import run_trial
from tune_stability.training.sharing import adopt, pack
from tune_stability.trials import TrialConfig

NAME = "file:train.tsv,dev.tsv"
WORDS = ("dog", "bird", "cat", "fish", "horse", "cow")


@pytest.fixture
def trial(tmp_path: Path) -> TrialConfig:
    """On files of one's own, which other machines do not have."""
    rows = [
        "sentence\tlabel",
        *(f"the {word} sees the {other} .\t{len(word) % 2}" for word in WORDS for other in WORDS),
    ]
    for name in ("train.tsv", "dev.tsv"):
        (tmp_path / name).write_text("\n".join(rows) + "\n")
    data = DataSource(files=(str(tmp_path / "train.tsv"), str(tmp_path / "dev.tsv")))
    return TrialConfig(
        model="micro-bert",
        model_revision="",
        task=NAME,
        task_fingerprint=load_task(NAME, data).fingerprint,
        hyperparameters=Hyperparameters(learning_rate=3e-4, max_steps=3, batch_size=4),
        seed=0,
        recipe="x",
        config_index=0,
        data=data,
    )


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch):
    """Nothing is cached or adopted, before and after."""
    monkeypatch.setattr(prepared, "_adopted", {})
    prepared._prepare.cache_clear()
    yield
    prepared._prepare.cache_clear()


def read_only(packed):
    """As it lies in the memory of Ray's object store."""
    for buffer in packed.buffers:
        buffer.setflags(write=False)
    return packed


def test_what_every_installation_has_is_not_sent(small_trial) -> None:
    assert pack(small_trial()) is None


def test_a_trial_on_adopted_data_and_weights_gives_the_same_result_to_the_last_bit(
    trial, forgotten, numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = numbers(run_trial(trial))
    packed = pack(trial)
    assert packed is not None
    # The bulk is outside of the pickle.
    assert len(packed.pickled) < 3e6
    assert sum(buffer.nbytes for buffer in packed.buffers) > 1e5
    packed = read_only(pickle.loads(pickle.dumps(packed)))
    prepared._prepare.cache_clear()
    monkeypatch.setattr(prepared, "load_task", None)
    monkeypatch.setattr(prepared, "load_model", None)
    adopt(packed)
    shared = prepared.prepare(trial, "cpu")
    # Not a copy of the weights, but those in the buffers.
    places = [(buffer.ctypes.data, buffer.ctypes.data + buffer.nbytes) for buffer in packed.buffers]
    for parameter in shared.pretrained.model.parameters():
        assert any(start <= parameter.data_ptr() < end for start, end in places)
    # Twice, because a run that wrote into them would change the next.
    assert numbers(run_trial(trial)) == alone
    assert numbers(run_trial(trial)) == alone


def test_other_data_are_prepared_by_the_worker_itself(trial, forgotten) -> None:
    packed = pack(trial)
    assert packed is not None
    adopt(packed)
    h = trial.hyperparameters.replace(max_seq_length=8)
    other = dataclasses.replace(trial, hyperparameters=h)
    assert prepared.prepare(other, "cpu").train.inputs["input_ids"].shape[1] <= 8
