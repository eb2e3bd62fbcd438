"""What the paper sets differently for a model's family, whatever the recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tune_stability.hyperparameters import Value
from tune_stability.models.catalog import resolve

# Mosbach et al. 2020, appendix: what RoBERTa-large and ALBERT-large-v2 were fine-tuned with. BERT has the defaults.
FAMILIES: Mapping[str, Mapping[str, Value]] = MappingProxyType(
    {
        "roberta": MappingProxyType({"weight_decay": 0.1, "adam_beta2": 0.98, "max_grad_norm": 0.0}),
        "albert": MappingProxyType({"dropout": 0.0, "weight_decay": 0.0}),
    }
)


def family_settings(model: str) -> dict[str, Value]:
    """The hyperparameters of the family of `model` that differ from BERT's; empty for a family that is not listed."""
    source = resolve(model)
    if Path(source).is_dir():
        kind = json.loads(Path(source, "config.json").read_text()).get("model_type")
    else:
        from transformers import AutoConfig

        kind = AutoConfig.from_pretrained(source, trust_remote_code=False).model_type
    return dict(FAMILIES.get(kind, {}))
