from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from transformers import ModernBertConfig, ModernBertForSequenceClassification

from tune_stability.models.dropout import keep_dropout_layers, set_dropout


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.3)
        self.inner = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.0))
        self.attention_dropout = 0
        self.dropout_prob = 0.7
        self.token_dropout = True
        self.layerdrop = 0.2
        self.eps = 0.5


@pytest.mark.parametrize("probability", [0.0, 0.25])
def test_every_probability_is_set_and_nothing_else(probability: float) -> None:
    net = Net()
    set_dropout(net, probability)
    assert (net.drop.p, net.inner[1].p) == (probability, probability)
    assert (net.attention_dropout, net.dropout_prob) == (probability, probability)
    assert net.token_dropout is True
    assert (net.layerdrop, net.eps) == (0.2, 0.5)


def test_a_configuration_without_dropout_gets_its_layers() -> None:
    config = SimpleNamespace(
        attention_dropout=0.0, hidden_dropout_prob=0, mlp_dropout=0.3, classifier_dropout=None, token_dropout=False
    )
    keep_dropout_layers(config)  # type: ignore[arg-type]
    assert vars(config) == {
        "attention_dropout": 0.1,
        "hidden_dropout_prob": 0.1,
        "mlp_dropout": 0.3,
        "classifier_dropout": None,
        "token_dropout": False,
    }


def test_a_layer_that_an_architecture_would_leave_out_is_there() -> None:
    sizes = {"vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = ModernBertConfig(**sizes, intermediate_size=8, pad_token_id=0)
    with torch.random.fork_rng():
        assert not isinstance(ModernBertForSequenceClassification(config).model.layers[0].attn.out_drop, nn.Dropout)
        keep_dropout_layers(config)
        assert isinstance(ModernBertForSequenceClassification(config).model.layers[0].attn.out_drop, nn.Dropout)
