from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
import torch

from tune_stability.training import prepared
from tune_stability.training.fine_tuning import run_trial
from tune_stability.training.sharing import adopt, pack


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


def test_what_every_installation_has_is_not_sent(micro_config) -> None:
    assert pack(micro_config) is None


def test_a_trial_on_adopted_data_and_weights_gives_the_same_result_to_the_last_bit(
    own_task_config, forgotten, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = run_trial(own_task_config)
    packed = pack(own_task_config)
    assert packed is not None
    # The bulk is outside of the pickle.
    assert len(packed.pickled) < 3e6
    assert sum(buffer.nbytes for buffer in packed.buffers) > 1e5
    packed = read_only(pickle.loads(pickle.dumps(packed)))
    prepared._prepare.cache_clear()
    monkeypatch.setattr(prepared, "load_task", None)
    monkeypatch.setattr(prepared, "load_model", None)
    adopt(packed)
    shared = prepared.prepare(own_task_config, "cpu")
    bytes_of = {buffer.ctypes.data for buffer in packed.buffers}
    parameters = list(shared.pretrained.model.parameters())
    assert {parameter.data_ptr() for parameter in parameters} <= bytes_of
    again = run_trial(own_task_config)
    for one, other in ((alone, again), (alone, run_trial(own_task_config))):
        same = {"seconds": 0.0}
        assert repr(dataclasses.replace(one, **same)) == repr(dataclasses.replace(other, **same))
    assert isinstance(parameters[0], torch.nn.Parameter)
    assert all(np.isfinite(parameter.detach().numpy()).all() for parameter in parameters)


def test_other_data_are_prepared_by_the_worker_itself(own_task_config, forgotten) -> None:
    packed = pack(own_task_config)
    assert packed is not None
    adopt(packed)
    h = own_task_config.hyperparameters.replace(max_seq_length=8)
    other = dataclasses.replace(own_task_config, hyperparameters=h)
    assert prepared.prepare(other, "cpu").train.inputs["input_ids"].shape[1] <= 8
