from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedModel,
)

from tune_stability.errors import UserError
from tune_stability.models.loading import draw_head, load_model
from tune_stability.training import fine_tuning, prepared
from tune_stability.training.reinit import top_parameters

NONE: frozenset[str] = frozenset()


def albert(**changes: object) -> PreTrainedModel:
    sizes = {"vocab_size": 9, "embedding_size": 4, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    return AlbertForSequenceClassification(AlbertConfig(num_hidden_layers=3, **{**sizes, **changes}))


def distilbert() -> PreTrainedModel:
    return DistilBertForSequenceClassification(
        DistilBertConfig(vocab_size=9, dim=8, n_layers=3, n_heads=2, hidden_dim=8)
    )


@pytest.mark.parametrize(("num_layers", "tops"), [(0, []), (1, [3]), (2, [2, 3]), (4, [0, 1, 2, 3])])
def test_the_top_layers_and_the_pooler_of_micro_bert(num_layers: int, tops: list[int]) -> None:
    pretrained = load_model("micro-bert", 2)
    names = top_parameters(pretrained.model, pretrained.new_parameters, num_layers)
    wanted = {
        name
        for name, _ in pretrained.model.named_parameters()
        if any(f".layer.{top}." in name for top in tops) or (tops and "pooler" in name)
    }
    assert names == wanted
    # Sixteen parameters a layer, two of the pooler; none of the head.
    assert len(names) == (16 * len(tops) + 2 if tops else 0)


def test_a_model_without_a_pooler_has_its_layers_drawn() -> None:
    names = top_parameters(distilbert(), frozenset({"pre_classifier.weight"}), 2)
    assert {name.split(".")[3] for name in names} == {"1", "2"}
    assert all(name.startswith("distilbert.transformer.layer.") for name in names)


def test_a_head_with_a_pooler_of_its_own_is_drawn_once() -> None:
    pretrained = load_model("micro-roberta", 2)
    names = top_parameters(pretrained.model, pretrained.new_parameters, 1)
    assert names == {name for name, _ in pretrained.model.named_parameters() if ".layer.3." in name}


def test_a_new_pooler_is_left_to_the_head() -> None:
    model = load_model("micro-bert", 2).model
    names = top_parameters(model, frozenset({"bert.pooler.dense.weight", "bert.pooler.dense.bias"}), 1)
    assert all(".layer.3." in name for name in names)


@pytest.mark.parametrize(
    ("model", "num_layers", "message"),
    [
        ("micro-bert", 5, "reinit_layers is 5, the model has 4 layers; ask for less."),
        (distilbert(), 4, "reinit_layers is 4, the model has 3 layers; ask for less."),
        ("micro-albert", 1, "reinit_layers is 1, but the 4 layers of this model are not apart"),
        (albert(), 1, "reinit_layers is 1, but the 3 layers of this model are not apart"),
        (albert(num_hidden_groups=2), 1, "reinit_layers is 1, but the 3 layers of this model are not apart"),
    ],
    ids=["bert", "distilbert", "micro-albert", "albert", "albert of two groups"],
)
def test_layers_that_are_not_there_are_an_error_of_one_line(
    model: str | PreTrainedModel, num_layers: int, message: str
) -> None:
    loaded = load_model(model, 2).model if isinstance(model, str) else model
    with pytest.raises(UserError) as caught:
        top_parameters(loaded, NONE, num_layers)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert top_parameters(loaded, NONE, 0) == NONE


def test_what_is_drawn_anew_starts_as_a_head_does_and_the_rest_is_left() -> None:
    pretrained = load_model("micro-bert", 2)
    before = {name: p.detach().clone() for name, p in pretrained.model.named_parameters()}
    names = top_parameters(pretrained.model, pretrained.new_parameters, 2)
    draw_head(pretrained.model, names, 0.02, torch.Generator().manual_seed(0))
    drawn = []
    for name, p in pretrained.model.named_parameters():
        if name not in names:
            assert torch.equal(p, before[name])
        elif name.endswith("bias"):
            assert not p.any()
        elif "LayerNorm" in name:
            assert (p == 1).all()
        else:
            drawn.append(p.detach().reshape(-1))
    weights = torch.cat(drawn)
    # Two layers of 4 * 64^2 + 2 * 64 * 128, and a pooler of 64^2.
    assert len(weights) == 2 * 32768 + 4096
    assert weights.std().item() == pytest.approx(0.02, rel=4 / (2 * len(weights)) ** 0.5)
    assert abs(weights.mean().item()) < 4 * 0.02 / len(weights) ** 0.5


def test_a_trial_draws_the_head_then_the_layers_then_the_order_from_one_generator(small_trial) -> None:
    result = fine_tuning.run_trial(small_trial(reinit_layers=2, dropout=0.0))
    plain = fine_tuning.run_trial(small_trial(dropout=0.0))

    loaded = load_model("micro-bert", 2)
    parameters = dict(loaded.model.named_parameters())
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        parameters["classifier.weight"].copy_(torch.normal(0.0, 0.02, (2, 64), generator=generator))
        parameters["classifier.bias"].zero_()
        for name in sorted(n for n in parameters if ".layer.2." in n or ".layer.3." in n or "pooler" in n):
            if name.endswith("bias"):
                parameters[name].zero_()
            elif "LayerNorm" in name:
                parameters[name].fill_(1.0)
            else:
                parameters[name].copy_(torch.normal(0.0, 0.02, parameters[name].shape, generator=generator))
    task = prepared.load_task("grammar", None)
    rows = task.train[torch.randperm(64, generator=generator)[:16].tolist()]
    encoded = loaded.tokenizer(list(rows["sentence"]), padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = loaded.model.eval()(**encoded).logits
    expected = nn.functional.cross_entropy(logits, torch.tensor(rows["label"])).item()
    assert result.curve[0].loss == pytest.approx(expected, rel=1e-5)
    assert plain.curve[0].loss != pytest.approx(expected, rel=1e-3)


def test_a_trial_with_more_layers_than_there_are_is_an_error(small_trial) -> None:
    with pytest.raises(UserError, match=r"^reinit_layers is 5, the model has 4 layers; ask for less\.$"):
        fine_tuning.run_trial(small_trial(reinit_layers=5))
