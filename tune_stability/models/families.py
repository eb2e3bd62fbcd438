"""What the paper sets differently for a model's family, whatever the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tune_stability.hyperparameters import Value
from tune_stability.models.catalog import model_type

# Mosbach et al. 2020, appendix: what RoBERTa-large and ALBERT-large-v2 were fine-tuned with. BERT has the defaults.
FAMILIES: Mapping[str, Mapping[str, Value]] = MappingProxyType(
    {
        "roberta": MappingProxyType({"weight_decay": 0.1, "adam_beta2": 0.98, "max_grad_norm": 0.0}),
        "albert": MappingProxyType({"dropout": 0.0, "weight_decay": 0.0}),
    }
)


def family_settings(model: str, commit: str | None = None) -> dict[str, Value]:
    """The hyperparameters of the family of `model` that differ from BERT's; empty for a family that is not listed.

    `commit` is the hub's, so that a remote model is asked for once. Raises `UserError` if there is no such model.
    """
    return dict(FAMILIES.get(model_type(model, commit), {}))
