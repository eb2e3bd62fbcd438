from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from tune_stability.training.parameters import FlatParameters, GroupNorms, layer_group


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))


def backward(net: nn.Module, seed: int = 1) -> None:
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed))
    net(x).square().sum().backward()


def test_parameters_that_decay_come_first_in_their_own_order() -> None:
    flat = FlatParameters(module())
    assert flat.names == ["0.weight", "2.weight", "0.bias", "1.weight", "1.bias", "2.bias"]
    assert flat.num_decayed == 3 * 4 + 4 * 2
    assert flat.values.shape == flat.gradients.shape == (12 + 8 + 4 + 4 + 4 + 2,)


def test_values_are_kept_and_shared_both_ways() -> None:
    net = module()
    before = copy.deepcopy(net)
    flat = FlatParameters(net)
    for (name, p), q in zip(net.named_parameters(), before.parameters(), strict=True):
        assert torch.equal(p, q), name
        assert p.untyped_storage().data_ptr() == flat.values.untyped_storage().data_ptr()
    flat.values[0] = 7.0
    assert net[0].weight[0, 0].item() == 7.0
    with torch.no_grad():
        net[2].bias[1] = -3.0
    assert flat.values[-1].item() == -3.0


def test_backward_writes_into_the_flat_gradient() -> None:
    net, plain = module(), module()
    flat = FlatParameters(net)
    backward(net)
    backward(plain)
    expected = dict(plain.named_parameters())
    assert torch.equal(flat.gradients, torch.cat([expected[name].grad.reshape(-1) for name in flat.names]))
    for p in net.parameters():
        assert p.grad.untyped_storage().data_ptr() == flat.gradients.untyped_storage().data_ptr()


def test_gradients_accumulate_until_they_are_zeroed() -> None:
    net = module()
    flat = FlatParameters(net)
    backward(net)
    once = flat.gradients.clone()
    backward(net)
    torch.testing.assert_close(flat.gradients, 2 * once)
    flat.zero_gradients()
    assert not flat.gradients.any()
    assert all(not p.grad.any() for p in net.parameters())
    backward(net)
    assert torch.equal(flat.gradients, once)


@pytest.mark.parametrize("max_norm", [1e-3, 1.0, 1e6])
def test_clipping_is_that_of_torch(max_norm: float) -> None:
    net, plain = module(), module()
    flat = FlatParameters(net)
    backward(net)
    backward(plain)
    before = torch.linalg.vector_norm(flat.gradients).item()
    assert 1.0 < before < 1e6
    flat.clip_gradients(max_norm)
    nn.utils.clip_grad_norm_(plain.parameters(), max_norm)
    expected = dict(plain.named_parameters())
    for name, view in zip(flat.names, flat.gradient_views, strict=True):
        torch.testing.assert_close(view, expected[name].grad, rtol=1e-6, atol=0)
    assert torch.linalg.vector_norm(flat.gradients).item() == pytest.approx(min(before, max_norm), rel=1e-5)


def test_clipping_no_gradient_divides_by_nothing() -> None:
    flat = FlatParameters(module())
    flat.clip_gradients(1.0)
    assert not flat.gradients.any()


def test_frozen_parameters_are_left_out() -> None:
    net = module()
    net[0].weight.requires_grad_(False)
    flat = FlatParameters(net)
    assert "0.weight" not in flat.names
    assert flat.num_decayed == 8
    assert net[0].weight.untyped_storage().data_ptr() != flat.values.untyped_storage().data_ptr()


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embeddings = nn.Embedding(6, 3)
        self.decoder = nn.Linear(3, 6)
        self.decoder.weight = self.embeddings.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.embeddings(x))


def test_tied_parameters_count_once_and_stay_tied() -> None:
    net, plain = Tied(), Tied()
    flat = FlatParameters(net)
    assert flat.names == ["embeddings.weight", "decoder.bias"]
    assert flat.values.shape == (18 + 6,)
    assert net.decoder.weight is net.embeddings.weight
    for either in (net, plain):
        either(torch.tensor([1, 2, 2])).square().sum().backward()
    assert torch.equal(flat.gradient_views[0], plain.embeddings.weight.grad)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("bert.embeddings.word_embeddings.weight", "embeddings"),
        ("bert.embeddings.LayerNorm.bias", "embeddings"),
        ("bert.encoder.layer.0.attention.self.query.weight", "layer_1"),
        ("bert.encoder.layer.23.output.LayerNorm.weight", "layer_24"),
        ("bert.pooler.dense.weight", "pooler"),
        ("classifier.weight", "classifier"),
        ("roberta.embeddings.position_embeddings.weight", "embeddings"),
        ("roberta.encoder.layer.9.intermediate.dense.bias", "layer_10"),
        ("classifier.out_proj.weight", "classifier"),
        # ALBERT's layers share one set of weights, which its only group holds.
        ("albert.embeddings.token_type_embeddings.weight", "embeddings"),
        ("albert.encoder.embedding_hidden_mapping_in.weight", "embeddings"),
        ("albert.encoder.albert_layer_groups.0.albert_layers.0.attention.query.weight", "layer_1"),
        ("albert.encoder.albert_layer_groups.0.albert_layers.0.full_layer_layer_norm.weight", "layer_1"),
        ("albert.pooler.weight", "pooler"),
        ("distilbert.embeddings.word_embeddings.weight", "embeddings"),
        ("distilbert.transformer.layer.5.sa_layer_norm.weight", "layer_6"),
        ("pre_classifier.weight", "classifier"),
        ("model.layers.11.mlp.Wi.weight", "layer_12"),
        ("model.embeddings.tok_embeddings.weight", "embeddings"),
        ("model.embed_tokens.weight", "embeddings"),
        ("model.final_norm.weight", "pooler"),
        ("head.dense.weight", "pooler"),
        ("head.norm.weight", "pooler"),
        ("electra.embeddings_project.weight", "embeddings"),
        ("electra.encoder.layer.2.output.dense.weight", "layer_3"),
        ("deberta.encoder.rel_embeddings.weight", "embeddings"),
        ("deberta.encoder.LayerNorm.weight", "embeddings"),
        ("deberta.encoder.layer.1.output.LayerNorm.weight", "layer_2"),
        ("pooler.dense.weight", "pooler"),
        ("mpnet.encoder.relative_attention_bias.weight", "embeddings"),
        ("transformer.mask_emb", "other"),
    ],
)
def test_layer_groups(name: str, group: str) -> None:
    assert layer_group(name) == group


class Encoder(nn.Module):
    """Names like BERT's, declared in another order, with layers whose order is not that of their names."""

    def __init__(self, layers: int = 12) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.classifier = nn.Linear(3, 2)
        self.embeddings = nn.Linear(3, 3)
        self.layer = nn.ModuleList(nn.Linear(3, 3) for _ in range(layers))
        self.pooler = nn.Linear(3, 3)
        self.norm = nn.LayerNorm(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embeddings(x)
        for layer in self.layer:
            x = x + torch.tanh(layer(x))
        return self.classifier(self.pooler(self.norm(x)))


def test_groups_stand_in_the_order_of_the_network() -> None:
    norms = GroupNorms(FlatParameters(Encoder()), frozenset())
    layers = [f"layer_{number}" for number in range(1, 13)]
    assert norms.groups == ["embeddings", *layers, "other", "pooler", "classifier"]


def test_new_parameters_are_the_classifier_whatever_their_names() -> None:
    norms = GroupNorms(FlatParameters(Encoder(2)), frozenset({"pooler.weight", "pooler.bias"}))
    assert norms.groups == ["embeddings", "layer_1", "layer_2", "other", "classifier"]


def test_group_norms_are_those_of_the_parts() -> None:
    net = Encoder()
    norms = GroupNorms(FlatParameters(net), frozenset())
    backward(net)
    got = dict(zip(norms.groups, norms.gradients().tolist(), strict=True))
    parts: dict[str, list[torch.Tensor]] = {}
    for name, p in net.named_parameters():
        parts.setdefault(layer_group(name), []).append(p.grad.double().reshape(-1))
    assert got == {
        group: pytest.approx(torch.linalg.vector_norm(torch.cat(gradients)).item(), rel=1e-5)
        for group, gradients in parts.items()
    }
    assert min(got.values()) > 0


@pytest.mark.parametrize(
    ("layers", "lower"),
    [
        (12, ["layer_1", "layer_2", "layer_3", "layer_4", "layer_5", "layer_6"]),
        (5, ["layer_1", "layer_2"]),
        (1, ["layer_1"]),
        (0, []),
    ],
)
def test_the_lower_layers_are_the_lower_half(layers: int, lower: list[str]) -> None:
    norms = GroupNorms(FlatParameters(Encoder(layers)), frozenset())
    assert [norms.groups[place] for place in norms.lower] == lower
    # All group norms 2: together 2 sqrt(k).
    assert norms.lower_layers([2.0] * len(norms.groups)) == pytest.approx(2 * math.sqrt(len(lower)))


def test_a_gradient_that_is_not_finite_shows_in_its_group_alone() -> None:
    net = Encoder(2)
    norms = GroupNorms(FlatParameters(net), frozenset())
    backward(net)
    net.layer[0].bias.grad[1] = math.inf
    got = dict(zip(norms.groups, norms.gradients().tolist(), strict=True))
    assert got["layer_1"] == math.inf
    assert all(math.isfinite(norm) for group, norm in got.items() if group != "layer_1")


def test_measuring_leaves_the_gradient_alone() -> None:
    net = Encoder(2)
    flat = FlatParameters(net)
    norms = GroupNorms(flat, frozenset())
    backward(net)
    before = flat.gradients.clone()
    assert torch.equal(norms.gradients(), norms.gradients())
    assert torch.equal(flat.gradients, before)


def test_a_groups_relative_change_by_hand() -> None:
    net = nn.ModuleDict({"embeddings": nn.Linear(2, 1, bias=False), "classifier": nn.Linear(1, 1)})
    flat = FlatParameters(net)
    norms = GroupNorms(flat, frozenset({"classifier.weight", "classifier.bias"}))
    with torch.no_grad():
        net["embeddings"].weight.copy_(torch.tensor([[3.0, 4.0]]))
        net["classifier"].weight.fill_(2.0)
        net["classifier"].bias.zero_()
    before = flat.values.clone()
    with torch.no_grad():
        net["embeddings"].weight.add_(torch.tensor([[0.0, 1.0]]))
        net["classifier"].bias.fill_(-1.0)
    assert norms.groups == ["embeddings", "classifier"]
    assert norms.relative_change(before).tolist() == pytest.approx([1 / 5, 1 / 2])
    assert norms.relative_change(flat.values.clone()).tolist() == [0.0, 0.0]
