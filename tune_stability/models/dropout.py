"""One probability for every dropout of a model, whatever its family calls it."""

from __future__ import annotations

from torch import nn
from transformers import PreTrainedConfig

PRESENT = 0.1


def keep_dropout_layers(config: PreTrainedConfig) -> None:
    """Let a model of this configuration be built with all its dropout layers, in place.

    Some architectures (ModernBERT) leave a layer out where its probability is 0, and a run could not set it later.
    """
    for name, value in vars(config).items():
        if _is_probability(name, value) and value == 0:
            setattr(config, name, PRESENT)


def set_dropout(model: nn.Module, probability: float) -> None:
    """Set every dropout layer, and every number that a module hands to a dropout function (ModernBERT's attention)."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability
        for name, value in vars(module).items():
            if _is_probability(name, value):
                setattr(module, name, probability)


def _is_probability(name: str, value: object) -> bool:
    # `type` and not `isinstance`: a truth value is no probability.
    return "dropout" in name and type(value) in (int, float)
