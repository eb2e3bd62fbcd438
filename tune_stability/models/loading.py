"""Load a pre-trained encoder with a new classification head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from tune_stability.errors import UserError
from tune_stability.models.catalog import resolve, revision


@dataclass(frozen=True)
class PretrainedModel:
    """An encoder in fp32, its tokenizer, and the names of the parameters that the checkpoint does not hold."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    new_parameters: frozenset[str]


def load_model(name: str, num_labels: int, expected_revision: str | None = None) -> PretrainedModel:
    """Load by name, from safetensors alone and without remote code, in fp32 whatever the checkpoint's dtype.

    Raises `UserError` if it cannot be loaded, holds a classification head already, or has not `expected_revision`.
    """
    source = resolve(name)
    on_hub = not Path(source).is_dir()
    if expected_revision and not on_hub and revision(name) != expected_revision:
        raise UserError(
            f"the model {name!r} has the revision {revision(name)} here, expected {expected_revision}; "
            "put the files back, or give another --out."
        )
    commit = {"revision": expected_revision} if on_hub and expected_revision else {}
    # The report of weights that are left out or new says what is meant to be so here: the head is always new.
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model, info = AutoModelForSequenceClassification.from_pretrained(
            source,
            num_labels=num_labels,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **commit,
        )
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False, **commit)
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"the model {name!r} cannot be loaded from {source!r}: {str(error).splitlines()[0]}") from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
    # Without its files transformers makes a tokenizer that knows no word, and says nothing.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise UserError(f"the model {name!r} has no tokenizer in {source!r}; save one there with save_pretrained.")
    if not info["missing_keys"]:
        raise UserError(f"the model {name!r} holds a classification head already; give one that is only pre-trained.")
    # Batches are cut to their longest example from the right.
    tokenizer.padding_side = "right"
    return PretrainedModel(model, tokenizer, frozenset(info["missing_keys"]))


def draw_head(model: nn.Module, new_parameters: frozenset[str], std: float, generator: torch.Generator) -> None:
    """Draw the new weights from N(0, std) and set the new biases to zero, in place (Devlin et al. 2019).

    New weights with one dimension are those of a normalization and start at 1. Raises `RuntimeError` if a weight is
    not finite.
    """
    parameters = dict(model.named_parameters())
    for name in sorted(new_parameters):
        with torch.no_grad():
            if name.endswith("bias"):
                parameters[name].zero_()
            elif parameters[name].ndim == 1:
                parameters[name].fill_(1.0)
            else:
                drawn = torch.normal(0.0, std, parameters[name].shape, generator=generator)
                parameters[name].copy_(drawn)
        if not torch.isfinite(parameters[name]).all():
            raise RuntimeError(f"the new parameter {name} is not finite")
