"""Which pre-trained parameters a run draws anew, as it draws its head."""

from __future__ import annotations

from transformers import PreTrainedModel

from tune_stability.errors import UserError
from tune_stability.training.parameters import layer_group


def top_parameters(model: PreTrainedModel, new_parameters: frozenset[str], num_layers: int) -> frozenset[str]:
    """The names of the parameters of the top `num_layers` layers and the pooler; none for 0 (Zhang et al. 2021).

    A pooler that is among `new_parameters`, or that the model does not have, is left out. Drawn by `draw_head` they
    start as their released code has it: weights from N(0, .02), biases 0, LayerNorm weights 1.

    Raises `UserError` if the model has fewer layers, or layers that share their weights.
    """
    if num_layers == 0:
        return frozenset()
    groups = {name: layer_group(name) for name, _ in model.named_parameters() if name not in new_parameters}
    layers = sorted({int(group.removeprefix("layer_")) for group in groups.values() if group.startswith("layer_")})
    in_depth = getattr(model.config, "num_hidden_layers", len(layers))
    if len(layers) < in_depth:
        raise UserError(
            f"reinit_layers is {num_layers}, but the {in_depth} layers of this model are not apart (layers that share "
            "their weights cannot be drawn anew alone); leave it at 0, or take another model."
        )
    if num_layers > len(layers):
        raise UserError(f"reinit_layers is {num_layers}, the model has {len(layers)} layers; ask for less.")
    wanted = {"pooler", *(f"layer_{layer}" for layer in layers[-num_layers:])}
    return frozenset(name for name, group in groups.items() if group in wanted)
