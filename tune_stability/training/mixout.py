"""Mixout: for the length of a step, some weights are their pre-trained values."""

from __future__ import annotations

import torch

from tune_stability.training.parameters import FlatParameters, layer_group


class Mixout:
    """Mixout with probability `p` toward the values at the time when it is made (Lee et al. 2020, section 3).

    With the weight matrix w of a linear layer, its pre-trained value u, and a mask m that is 0 with probability p:

        mixed = ((1 - m) u + m w - p u) / (1 - p) = u + m / (1 - p) (w - u)

    whose mean over masks is w; for p = 1 it is u. Forward and backward pass use `mixed`, the optimizer and the
    evaluation use w. A mask has one entry for each input neuron, so that all outgoing weights of a neuron are mixed
    together; one entry for each weight would be their mixconnect. The gradient with respect to w is m / (1 - p) times
    that of `mixed`; their released code leaves out the 1 / (1 - p).

    What is mixed: see `mixed_parameters`. Dropout stays as the hyperparameters have it; their code switches it off.

    Masks come from torch's global random state, as those of dropout do. Nothing else changes from step to step, so a
    run that goes on from a checkpoint makes its `Mixout` from the model as it was before training, then loads the rest.
    """

    def __init__(self, flat: FlatParameters, new_parameters: frozenset[str], p: float) -> None:
        mixed = mixed_parameters(flat, new_parameters) if p > 0 else frozenset()
        places = [place for place, name in enumerate(flat.names) if name in mixed]
        self._values = [flat.value_views[place] for place in places]
        self._gradients = [flat.gradient_views[place] for place in places]
        self._pretrained = [value.clone() for value in self._values]
        self._kept = [torch.empty_like(value) for value in self._values]
        self._scales = [value.new_empty(1, value.shape[1]) for value in self._values]
        self._p = p

    @torch.no_grad()
    def mix(self) -> None:
        """Put mixed weights in the place of the weights, until `restore`."""
        for value, kept, pretrained, scale in zip(
            self._values, self._kept, self._pretrained, self._scales, strict=True
        ):
            scale.bernoulli_(1 - self._p)
            if self._p < 1:
                scale.div_(1 - self._p)
            kept.copy_(value)
            value.sub_(pretrained).mul_(scale).add_(pretrained)

    @torch.no_grad()
    def restore(self) -> None:
        """Put the weights back, and make the gradient that of the weights."""
        for value, kept, gradient, scale in zip(self._values, self._kept, self._gradients, self._scales, strict=True):
            value.copy_(kept)
            gradient.mul_(scale)


def mixed_parameters(flat: FlatParameters, new_parameters: frozenset[str]) -> frozenset[str]:
    """The names of the weight matrices that were pre-trained, but for embeddings: those of layers and pooler."""
    return frozenset(
        name
        for name, value in zip(flat.names, flat.value_views, strict=True)
        if value.ndim == 2 and name not in new_parameters and layer_group(name) != "embeddings"
    )
