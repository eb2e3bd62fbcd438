"""How many tokens the families take, each by its own arithmetic of positions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import (
    AlbertConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    PreTrainedModel,
    RobertaConfig,
)

from tune_stability.models.loading import load_model
from tune_stability.models.positions import max_tokens

NO_LIMIT = int(1e30)
SMALL: dict[str, Any] = {
    "vocab_size": 20,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 34,
    "pad_token_id": 1,
}
DISTILBERT: dict[str, Any] = {"vocab_size": 20, "dim": 8, "n_layers": 1, "n_heads": 2, "hidden_dim": 8}


def model(config: Any) -> PreTrainedModel:
    return AutoModelForSequenceClassification.from_config(config).eval()


def tokenizer(limit: int) -> Any:
    return SimpleNamespace(model_max_length=limit)


def runs(net: PreTrainedModel, tokens: int) -> bool:
    """Whether the model takes an input of so many tokens, none of them padding."""
    with torch.no_grad():
        try:
            net(input_ids=torch.full((1, tokens), 5), attention_mask=torch.ones(1, tokens, dtype=torch.int64))
        except (IndexError, RuntimeError):
            return False
    return True


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (BertConfig(**SMALL), 34),
        (ElectraConfig(**SMALL), 34),
        (AlbertConfig(**SMALL, embedding_size=8), 34),
        (DistilBertConfig(**DISTILBERT, max_position_embeddings=34), 34),
        # Positions are counted from behind the padding's, which is 1 for RoBERTa and always for MPNet.
        (RobertaConfig(**SMALL), 32),
        (RobertaConfig(**{**SMALL, "pad_token_id": 3}), 30),
        (MPNetConfig(**SMALL), 32),
    ],
)
def test_a_table_of_positions_is_as_long_as_what_runs(config: Any, expected: int) -> None:
    net = model(config)
    assert max_tokens(net, tokenizer(NO_LIMIT)) == expected
    assert runs(net, expected)
    assert not runs(net, expected + 1)
    # The tokenizer may know of a lower limit.
    assert max_tokens(net, tokenizer(20)) == 20


@pytest.mark.parametrize(
    "config",
    [
        DebertaV2Config(**SMALL, position_biased_input=False, relative_attention=True, pos_att_type=["p2c", "c2p"]),
        ModernBertConfig(**SMALL),
    ],
)
def test_relative_and_rotary_positions_have_no_end(config: Any) -> None:
    net = model(config)
    assert max_tokens(net, tokenizer(NO_LIMIT)) == NO_LIMIT
    assert runs(net, 40)


def test_the_embedded_model() -> None:
    pretrained = load_model("micro-bert", 2)
    assert max_tokens(pretrained.model, pretrained.tokenizer) == 48
