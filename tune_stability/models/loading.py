"""Load a pre-trained encoder with a new classification head."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from tune_stability.errors import UserError
from tune_stability.models.catalog import cannot_be_loaded, config_file, resolve, revision
from tune_stability.models.checks import check_encoder, check_head, check_safe_weights
from tune_stability.models.dropout import keep_dropout_layers


@dataclass(frozen=True)
class PretrainedModel:
    """An encoder in fp32, its tokenizer, and the names of the parameters that the checkpoint does not hold."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    new_parameters: frozenset[str]


def load_model(name: str, num_labels: int, expected_revision: str | None = None) -> PretrainedModel:
    """Load by name, from safetensors alone and without remote code, in fp32 whatever the checkpoint's dtype.

    Raises `UserError` if it cannot be loaded, is no encoder, holds a classification head already, or has not
    `expected_revision`.
    """
    source = resolve(name)
    on_hub = not Path(source).is_dir()
    if expected_revision and not on_hub and revision(name) != expected_revision:
        raise UserError(
            f"the model {name!r} has the revision {revision(name)} here, expected {expected_revision}; "
            "put the files back, or give another --out."
        )
    with _quiet():
        file = config_file(name, expected_revision if on_hub else None)
        # One commit for all files, whatever is pushed meanwhile.
        commit = {"revision": file.parent.name} if on_hub else {}
        config = _loaded(name, AutoConfig, str(file.parent))
        check_encoder(name, config)
        check_safe_weights(name, source)
        config.num_labels = num_labels
        keep_dropout_layers(config)
        model, info = _loaded(
            name,
            AutoModelForSequenceClassification,
            source,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # and checked below, for an error that says which
            **commit,
        )
        tokenizer = _loaded(name, AutoTokenizer, source, **commit)
    missing = frozenset(info["missing_keys"])
    check_head(name, model, num_labels, missing, {key: shape for key, shape, _ in info["mismatched_keys"]})
    # Without its files transformers makes a tokenizer that knows no word, and says nothing.
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise UserError(f"the model {name!r} has no tokenizer in {source!r}; save one there with save_pretrained.")
    _fit(tokenizer, model)
    return PretrainedModel(model, tokenizer, missing)


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


@contextmanager
def _quiet() -> Iterator[None]:
    # The report of weights that are left out or new says what is meant to be so here: the head is always new.
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _loaded(name: str, auto_class: Any, source: str, **options: Any) -> Any:
    try:
        return auto_class.from_pretrained(source, trust_remote_code=False, **options)
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        # Without the library that reads such a tokenizer, transformers takes it for one of tiktoken's.
        if "tiktoken" in str(error):
            raise cannot_be_loaded(
                name, "its tokenizer is a sentencepiece model; pip install sentencepiece protobuf"
            ) from error
        raise cannot_be_loaded(name, error) from error


def _fit(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
    """Let the tokenizer give the inputs that the model takes, as it takes them."""
    # DistilBERT, for one, comes with BERT's tokenizer and takes no segment ids.
    accepted = inspect.signature(model.forward).parameters
    tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name in accepted]
    # Batches are cut to their longest example from the right.
    tokenizer.padding_side = "right"
