"""Load a pre-trained encoder with a new classification head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from tune_stability.errors import UserError
from tune_stability.models.catalog import resolve


@dataclass(frozen=True)
class PretrainedModel:
    """An encoder in fp32, its tokenizer, and the names of the parameters that the checkpoint does not hold."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    new_parameters: frozenset[str]


def load_model(name: str, num_labels: int) -> PretrainedModel:
    """Load by name, from safetensors alone and without remote code, in fp32 whatever the checkpoint's dtype."""
    source = resolve(name)
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
        )
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"the model {name!r} cannot be loaded from {source!r}: {str(error).splitlines()[0]}") from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
    # Without its files transformers makes a tokenizer that knows no word, and says nothing.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise UserError(f"the model {name!r} has no tokenizer in {source!r}; save one there with save_pretrained.")
    return PretrainedModel(model, tokenizer, frozenset(info["missing_keys"]))


def draw_head(model: nn.Module, new_parameters: frozenset[str], std: float, generator: torch.Generator) -> None:
    """Draw the new weights from N(0, std) and set the new biases to zero, in place (Devlin et al. 2019).

    Raises `RuntimeError` if there is nothing to draw or a weight is not finite.
    """
    parameters = dict(model.named_parameters())
    if not new_parameters:
        raise RuntimeError("the checkpoint already holds a classification head, so no head was drawn")
    for name in sorted(new_parameters):
        with torch.no_grad():
            if name.endswith("bias"):
                parameters[name].zero_()
            else:
                drawn = torch.normal(0.0, std, parameters[name].shape, generator=generator)
                parameters[name].copy_(drawn)
        if not torch.isfinite(parameters[name]).all():
            raise RuntimeError(f"the new parameter {name} is not finite")
