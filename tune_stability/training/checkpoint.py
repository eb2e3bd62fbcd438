"""What a run needs to go on after its process has died, so that it ends with the same result.

The learning rate follows from the step, and the data order from its seed and the step, so neither is kept. Nothing is
pickled: tensors are kept as safetensors, the rest as JSON in a tensor of bytes.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from tune_stability.errors import StoreWarning
from tune_stability.training.records import Records
from tune_stability.trials import CheckpointFile


@dataclass(frozen=True)
class Checkpoint:
    """A run after `step` steps on a `device` (`cpu`, or a GPU's name).

    `tensors` are weights, the optimizer's moments, losses so far and random states.
    """

    step: int
    device: str
    seconds: float
    records: Records
    tensors: dict[str, torch.Tensor]


def save_checkpoint(file: CheckpointFile, trial_id: str, checkpoint: Checkpoint) -> None:
    """Write it, whole, in place of an earlier one. Raises `UserError` if it cannot."""
    rest = {
        "trial_id": trial_id,
        "torch": torch.__version__,
        "step": checkpoint.step,
        "device": checkpoint.device,
        "seconds": checkpoint.seconds,
        "records": checkpoint.records.to_plain(),
    }
    # Saved as copies: several may be views of one tensor.
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in checkpoint.tensors.items()}
    tensors["rest"] = torch.frombuffer(bytearray(json.dumps(rest).encode()), dtype=torch.uint8)
    file.write(save(tensors))


def load_checkpoint(file: CheckpointFile, trial_id: str, device: str) -> Checkpoint | None:
    """The checkpoint in `file`; None if there is none, or none that this trial can use on `device`.

    A run goes on with the version of torch and the kind of device that began it: another would end it otherwise.
    """
    data = file.read()
    if data is None:
        return None
    try:
        tensors = load(data)
        rest: dict[str, Any] = json.loads(tensors.pop("rest").numpy().tobytes())
        usable = (rest["trial_id"], rest["torch"], rest["device"]) == (trial_id, torch.__version__, device)
        found = Checkpoint(rest["step"], rest["device"], rest["seconds"], Records.from_plain(rest["records"]), tensors)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        warnings.warn(f"the checkpoint of {trial_id} cannot be read ({error}); it starts anew.", StoreWarning, 2)
        return None
    return found if usable else None
