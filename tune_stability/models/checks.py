"""What a checkpoint must be to be fine-tuned here: an encoder, in safetensors, whole, and without a head of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING, PreTrainedConfig, PreTrainedModel

from tune_stability.errors import UserError
from tune_stability.models.catalog import cannot_be_loaded

PICKLED = (".bin", ".pt", ".pth", ".ckpt")


def check_encoder(name: str, config: PreTrainedConfig) -> None:
    """Raise `UserError` for a decoder or an encoder-decoder, whose inputs and head are others."""
    kind = type(config)
    decodes = kind in MODEL_FOR_CAUSAL_LM_MAPPING and kind not in MODEL_FOR_MASKED_LM_MAPPING
    if decodes or config.is_encoder_decoder or getattr(config, "is_decoder", False):
        raise UserError(
            f"the model {name!r} is of the type {config.model_type}, which is no encoder; "
            "give one such as BERT, RoBERTa, ALBERT, DistilBERT, ELECTRA, DeBERTa or ModernBERT."
        )


def check_safe_weights(name: str, source: str) -> None:
    """Raise `UserError` for a folder whose weights would have to be unpickled, which can run code."""
    files = sorted(Path(source).iterdir()) if Path(source).is_dir() else []
    pickled = [path.name for path in files if path.suffix in PICKLED]
    if pickled and not any(path.suffix == ".safetensors" for path in files):
        raise UserError(
            f"the model {name!r} has weights only as a pickle, {pickled[0]}, which can run code when it is read; "
            "give weights in safetensors, as save_pretrained writes them."
        )


def check_head(
    name: str, model: PreTrainedModel, num_labels: int, missing: frozenset[str], mismatched: Mapping[str, torch.Size]
) -> None:
    """Raise `UserError` unless what the checkpoint lacks is the head, and its output layer with it.

    `missing` are the parameters that it does not hold, `mismatched` the shapes of those it holds in another shape. A
    pooler may be missing: masked language models often have none.
    """
    encoder = f"{model.base_model_prefix}."
    head = [parameter for parameter, _ in model.named_parameters() if not parameter.startswith(encoder)]
    # The output layer is what a head declares last.
    output = head[-1] if head else ""
    if output in mismatched:
        raise UserError(
            f"the model {name!r} holds a classification head for {mismatched[output][0]} labels, the task has "
            f"{num_labels}; give a model that is only pre-trained."
        )
    if mismatched:
        parameter = min(mismatched)
        raise cannot_be_loaded(name, f"its {parameter} has the shape {tuple(mismatched[parameter])}, not its config's")
    if output not in missing:
        raise UserError(f"the model {name!r} holds a classification head already; give one that is only pre-trained.")
    lacking = [key for key in sorted(missing) if key.startswith(encoder) and "pooler" not in key]
    if lacking:
        raise cannot_be_loaded(name, f"its weights lack {lacking[0]}")
