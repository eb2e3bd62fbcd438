"""How many tokens a model takes."""

from __future__ import annotations

from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase


def max_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """The tokens of the longest input, special ones counted: by the table of learned positions and the tokenizer.

    A model with relative or rotary positions has no such table; a tokenizer that was told no limit has a huge one.
    """
    return min([int(tokenizer.model_max_length), *(_positions(table) for table in _tables(model))])


def _tables(model: nn.Module) -> list[nn.Embedding]:
    return [
        module
        for name, module in model.named_modules()
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding)
    ]


def _positions(table: nn.Embedding) -> int:
    # RoBERTa and its kin count positions from behind the padding's: 514 rows are 512 positions.
    return table.num_embeddings - (0 if table.padding_idx is None else table.padding_idx + 1)
