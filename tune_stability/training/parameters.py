"""A model's parameters and gradients as two vectors, so that an optimizer step is a handful of operations."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import nn

_LAYER = re.compile(r"\blayers?\.(\d+)\.|_layers\.(\d+)\.")
_GROUPS = {
    "classifier": ("classifier",),
    # What stands between the last layer and the classifier.
    "pooler": ("pooler", "head.", "final_norm"),
    # With what makes them fit: ALBERT's projection, the relative positions of MPNet and DeBERTa and the norm of these.
    "embeddings": ("embed", "relative_attention_bias", "encoder.LayerNorm"),
}
"""Layer groups by what a name has in it."""


class FlatParameters:
    """All trainable parameters of a module, moved into one vector of shape `(n,)`, gradients likewise.

    The module's parameters become views of `values`, and their `.grad` views of `gradients`, into which backward
    accumulates. Parameters that decay come first: `values[:num_decayed]`. Biases and LayerNorm weights, which are
    those with fewer than two dimensions, do not decay (Mosbach et al. 2020, appendix B).
    """

    def __init__(self, module: nn.Module) -> None:
        named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        named.sort(key=lambda item: item[1].ndim < 2)
        parameters = [p for _, p in named]
        self.names = [name for name, _ in named]
        self.num_decayed = sum(p.numel() for p in parameters if p.ndim >= 2)
        self.values = torch.cat([p.detach().reshape(-1) for p in parameters])
        self.gradients = torch.zeros_like(self.values)
        self.value_views = []
        self.gradient_views = []
        self.sizes = [p.numel() for p in parameters]
        start = 0
        for p in parameters:
            end = start + p.numel()
            p.data = self.values[start:end].view_as(p)
            p.grad = self.gradients[start:end].view_as(p)
            self.value_views.append(p.data)
            self.gradient_views.append(p.grad)
            start = end

    def zero_gradients(self) -> None:
        self.gradients.zero_()

    def clip_gradients(self, max_norm: float) -> None:
        """Scale the gradient to `max_norm` if its norm is above, as `torch.nn.utils.clip_grad_norm_` does."""
        scale = max_norm / (torch.linalg.vector_norm(self.gradients) + 1e-6)
        self.gradients.mul_(scale.clamp(max=1.0))


class GroupNorms:
    """Norms by layer group: embeddings, layer_1 ... layer_L, pooler, classifier."""

    def __init__(self, flat: FlatParameters, new_parameters: frozenset[str]) -> None:
        names = ["classifier" if name in new_parameters else layer_group(name) for name in flat.names]
        self.groups = sorted(set(names), key=_group_order)
        self._flat = flat
        self._index = torch.tensor([self.groups.index(name) for name in names], device=flat.values.device)
        layers = [g for g in self.groups if g.startswith("layer_")]
        self.lower = [self.groups.index(g) for g in layers[: max(1, len(layers) // 2)]]
        """Places in `groups` of the lower half of the encoder's layers."""

    def gradients(self) -> torch.Tensor:
        """The L2 norm of each group's gradient, shape `(len(groups),)`."""
        return self._by_group(self._flat.gradient_views)

    def relative_change(self, before: torch.Tensor) -> torch.Tensor:
        """The norm of each group's change since `before`, shape `(n,)`, over its norm then, shape `(len(groups),)`.

        A group that was zero has the ratio infinity, or NaN if it is zero still.
        """
        change = self._by_group((self._flat.values - before).split(self._flat.sizes))
        return change / self._by_group(before.split(self._flat.sizes))

    def lower_layers(self, norms: list[float]) -> float:
        """The norm of the lower layers' gradient together, from one `gradients`."""
        return sum(norms[place] ** 2 for place in self.lower) ** 0.5

    def _by_group(self, views: Sequence[torch.Tensor]) -> torch.Tensor:
        squares = torch.stack(torch._foreach_norm(list(views))).square()
        return squares.new_zeros(len(self.groups)).index_add_(0, self._index, squares).sqrt()


def layer_group(name: str) -> str:
    """The layer group of a parameter of an encoder, by its name. Layers count from 1, as in the paper's figure 4."""
    found = _LAYER.search(name)
    if found:
        return f"layer_{int(found.group(1) or found.group(2)) + 1}"
    return next((group for group, parts in _GROUPS.items() if any(part in name for part in parts)), "other")


def _group_order(group: str) -> tuple[int, int]:
    if group.startswith("layer_"):
        return 1, int(group.removeprefix("layer_"))
    return {"embeddings": 0, "other": 2, "pooler": 3, "classifier": 4}[group], 0
