"""One copy of a model and its data for all the processes of a machine.

The tensors are packed as buffers outside of the pickle, which a process can read where they lie, in Ray's object
store for one. Whoever adopts them must not write into them, and a run does not: it trains a copy of the model.
"""

from __future__ import annotations

import io
import pickle
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tune_stability.models.catalog import EMBEDDED
from tune_stability.training.prepared import adopt_prepared, prepare, shared_key
from tune_stability.trials import TrialConfig


@dataclass(frozen=True)
class Packed:
    """A pickle, and the bytes of the tensors that it refers to, shape `(n_bytes,)` each."""

    pickled: bytes
    buffers: list[np.ndarray[Any, np.dtype[np.uint8]]]


def pack(config: TrialConfig) -> Packed | None:
    """What the trials of a study share with this one; None if every installation has it anyway."""
    if config.model in EMBEDDED and config.task == "grammar":
        return None
    buffers: list[pickle.PickleBuffer] = []
    file = io.BytesIO()
    _Pickler(file, protocol=5, buffer_callback=buffers.append).dump((shared_key(config), prepare(config, "cpu")))
    return Packed(file.getvalue(), [np.frombuffer(buffer.raw(), np.uint8) for buffer in buffers])


def adopt(packed: Packed) -> None:
    """Let this process's trials use it instead of loading their own."""
    with warnings.catch_warnings():
        # The object store's memory is read-only, and nothing writes into it.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        # Packed by this study's own search, never read from a file.
        key, prepared = pickle.loads(packed.pickled, buffers=packed.buffers)
    adopt_prepared(key, prepared)


class _Pickler(pickle.Pickler):
    """Pickles tensors as NumPy arrays, whose bytes protocol 5 leaves outside."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is torch.Tensor:
            return torch.from_numpy, (value.detach().contiguous().numpy(),)
        return NotImplemented
