"""Layer-wise learning-rate decay: the lower a layer, the smaller its learning rate."""

from __future__ import annotations

import torch

from tune_stability.training.parameters import FlatParameters, layer_group


def rate_factors(flat: FlatParameters, new_parameters: frozenset[str], decay: float) -> torch.Tensor | None:
    """What each parameter's learning rate is multiplied with, shape `(n,)` like `flat.values`; None if it is 1 for all.

    As in the released code of Zhang et al. (2021), after Howard and Ruder (2018): 1 for head and pooler, `decay` for
    the top layer, and `decay` times that of the layer above for each layer below it and for the embeddings. So it is
    decay^(L - k + 1) for layer k of L and decay^(L + 1) for the embeddings. ELECTRA's code (Clark et al. 2020) has one
    more factor of `decay` between head and top layer. Parameters of no layer that is known have the head's rate, and
    layers that share their weights are one layer.
    """
    if decay == 1:
        return None
    groups = ["classifier" if name in new_parameters else layer_group(name) for name in flat.names]
    heights = [_height(group) for group in groups]
    above = 1 + max(height or 0 for height in heights)
    factors = [1.0 if height is None else decay ** (above - height) for height in heights]
    parts = [view.new_full((view.numel(),), factor) for view, factor in zip(flat.value_views, factors, strict=True)]
    return torch.cat(parts)


def _height(group: str) -> int | None:
    """k for layer k, 0 for the embeddings, None for what stands above all layers."""
    if group == "embeddings":
        return 0
    return int(group.removeprefix("layer_")) if group.startswith("layer_") else None
