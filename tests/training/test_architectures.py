"""Every architecture that the README names: it loads, its head is drawn, its parameters are grouped, and it trains."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from tune_stability.hyperparameters import Hyperparameters
from tune_stability.models.catalog import EMBEDDED, reference_learning_rate
from tune_stability.models.dropout import set_dropout
from tune_stability.models.families import family_settings
from tune_stability.models.loading import PretrainedModel, draw_head, load_model
from tune_stability.outcomes import failure_mode
from tune_stability.tasks.grammar import load_grammar
from tune_stability.training import prepared
from tune_stability.training.fine_tuning import HEAD_STD, run_trial
from tune_stability.training.optimizer import PaperAdamW
from tune_stability.training.parameters import FlatParameters, GroupNorms, layer_group
from tune_stability.trials import TrialConfig, TrialResult

# Width, embedding width, intermediate width and layers of the `checkpoint` fixture; two labels.
H, E, F, L, C = 16, 8, 24, 2, 2
LAYER_GROUPS = ["layer_1", "layer_2"]
# The biases of query, key, value, two outputs and the intermediate layer, and two normalizations.
LAYER_UNDECAYED = 5 * H + F + 2 * 2 * H


@dataclass(frozen=True)
class Case:
    """What is worked out by hand for an architecture.

    `head`: parameters that a base model does not hold. `undecayed`: numbers in biases and normalizations. `dropouts`:
    probabilities of dropout that change what the model says.
    """

    head: frozenset[str]
    undecayed: int
    dropouts: int
    groups: tuple[str, ...] = ("embeddings", *LAYER_GROUPS, "classifier")


def linear(*names: str) -> frozenset[str]:
    return frozenset(f"{name}.{part}" for name in names for part in ("weight", "bias"))


TWO_LAYER_HEAD = linear("classifier.dense", "classifier.out_proj")
# On the embeddings, in every layer on the attention and on both outputs, and in the head.
USUAL_DROPOUTS = 1 + 3 * L + 1
CASES = {
    # Embedding normalization, layers, pooler, classifier.
    "bert": Case(
        linear("classifier"),
        2 * H + L * LAYER_UNDECAYED + H + C,
        USUAL_DROPOUTS,
        ("embeddings", *LAYER_GROUPS, "pooler", "classifier"),
    ),
    # Its head has a layer of its own in the place of the pooler.
    "roberta": Case(TWO_LAYER_HEAD, 2 * H + L * LAYER_UNDECAYED + H + C, USUAL_DROPOUTS),
    # The same, but it declares its head before its encoder.
    "xlm-roberta": Case(TWO_LAYER_HEAD, 2 * H + L * LAYER_UNDECAYED + H + C, USUAL_DROPOUTS),
    # Narrow embeddings, the bias of their projection, one layer for all, pooler, classifier. No dropout on the output
    # of the feed-forward network.
    "albert": Case(
        linear("classifier"),
        2 * E + H + LAYER_UNDECAYED + H + C,
        1 + 2 + 1,
        ("embeddings", "layer_1", "pooler", "classifier"),
    ),
    # No dropout on the output of the attention.
    "distilbert": Case(linear("pre_classifier", "classifier"), 2 * H + L * LAYER_UNDECAYED + H + C, 1 + 2 * L + 1),
    "electra": Case(TWO_LAYER_HEAD, 2 * E + H + L * LAYER_UNDECAYED + H + C, USUAL_DROPOUTS),
    # The normalization of relative positions too; dropout on these in every layer, and one in the pooler.
    "deberta-v2": Case(
        linear("pooler.dense", "classifier"),
        2 * H + L * LAYER_UNDECAYED + 2 * H + H + C,
        1 + 4 * L + 2,
    ),
    # No biases but the classifier's; normalizations without bias, of which the first layer has one less.
    "modernbert": Case(
        linear("classifier") | {"head.dense.weight", "head.norm.weight"},
        H + (2 * L - 1) * H + H + H + C,
        USUAL_DROPOUTS,
        ("embeddings", *LAYER_GROUPS, "pooler", "classifier"),
    ),
}
ALL = pytest.mark.parametrize("model_type", CASES)


@pytest.fixture
def load(checkpoint: Callable[[str], Path]) -> Callable[[str], PretrainedModel]:
    return lambda model_type: load_model(str(checkpoint(model_type)), C)


def logits(model: PreTrainedModel, loaded: PretrainedModel) -> torch.Tensor:
    texts = ["the dog watches .", "no cat which chases two foxes sniffs a bird ."]
    with torch.no_grad():
        return model(**loaded.tokenizer(texts, padding=True, return_tensors="pt")).logits


@ALL
def test_what_is_new_is_the_head(model_type: str, load: Callable[[str], PretrainedModel]) -> None:
    loaded = load(model_type)
    assert loaded.new_parameters == CASES[model_type].head
    assert loaded.model.config.model_type == model_type
    assert logits(loaded.model, loaded).shape == (2, C)


@ALL
def test_a_head_is_drawn_as_in_the_paper(model_type: str, load: Callable[[str], PretrainedModel]) -> None:
    loaded = load(model_type)
    before = {name: p.detach().clone() for name, p in loaded.model.named_parameters()}
    draw_head(loaded.model, loaded.new_parameters, HEAD_STD, torch.Generator().manual_seed(1))
    # One stream of N(0, .02) for the weights, in the order of their names.
    generator = torch.Generator().manual_seed(1)
    for name, p in sorted(loaded.model.named_parameters()):
        if name not in loaded.new_parameters:
            assert torch.equal(p, before[name]), name
        elif name.endswith("bias"):
            assert not p.any(), name
        elif "norm" in name:
            assert (p == 1).all(), name
        else:
            assert torch.equal(p, 0.02 * torch.randn(p.shape, generator=generator)), name


@ALL
def test_biases_and_normalizations_do_not_decay(model_type: str, load: Callable[[str], PretrainedModel]) -> None:
    model = load(model_type).model
    total = model.num_parameters()
    flat = FlatParameters(model)
    undecayed = [name for name, p in model.named_parameters() if p.ndim < 2]
    assert flat.names[-len(undecayed) :] == undecayed
    assert all(name.endswith("bias") or "norm" in name.lower() for name in undecayed)
    assert not [n for n in flat.names[: -len(undecayed)] if n.endswith("bias") or "norm" in n.lower()]
    assert len(flat.values) - flat.num_decayed == CASES[model_type].undecayed
    assert len(flat.values) == total
    # Without a gradient only the decay acts: p - lr * wd * p.
    before = flat.values.clone()
    PaperAdamW(flat, Hyperparameters(weight_decay=0.5)).step(0.1)
    torch.testing.assert_close(flat.values[: flat.num_decayed], 0.95 * before[: flat.num_decayed])
    assert torch.equal(flat.values[flat.num_decayed :], before[flat.num_decayed :])


BERT_NORMS = ("attention.output.LayerNorm", "output.LayerNorm")
BERT_LAYER = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


def undecayed_of_layer(prefix: str, dense: tuple[str, ...], norms: tuple[str, ...]) -> set[str]:
    return {f"{prefix}.{name}.bias" for name in (*dense, *norms)} | {f"{prefix}.{name}.weight" for name in norms}


@pytest.mark.parametrize(
    ("model_type", "expected"),
    [
        (
            "bert",
            {"bert.embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.bias"}
            | undecayed_of_layer("bert.encoder.layer.0", BERT_LAYER, BERT_NORMS)
            | undecayed_of_layer("bert.encoder.layer.1", BERT_LAYER, BERT_NORMS)
            | {"bert.pooler.dense.bias", "classifier.bias"},
        ),
        (
            "roberta",
            {"roberta.embeddings.LayerNorm.weight", "roberta.embeddings.LayerNorm.bias"}
            | undecayed_of_layer("roberta.encoder.layer.0", BERT_LAYER, BERT_NORMS)
            | undecayed_of_layer("roberta.encoder.layer.1", BERT_LAYER, BERT_NORMS)
            | {"classifier.dense.bias", "classifier.out_proj.bias"},
        ),
        (
            "albert",
            {"albert.embeddings.LayerNorm.weight", "albert.embeddings.LayerNorm.bias"}
            | {"albert.encoder.embedding_hidden_mapping_in.bias"}
            | undecayed_of_layer(
                "albert.encoder.albert_layer_groups.0.albert_layers.0",
                ("attention.query", "attention.key", "attention.value", "attention.dense", "ffn", "ffn_output"),
                ("attention.LayerNorm", "full_layer_layer_norm"),
            )
            | {"albert.pooler.bias", "classifier.bias"},
        ),
    ],
)
def test_what_does_not_decay_by_name(
    model_type: str, expected: set[str], load: Callable[[str], PretrainedModel]
) -> None:
    model = load(model_type).model
    flat = FlatParameters(model)
    assert set(flat.names[-len(expected) :]) == expected
    assert {name for name, p in model.named_parameters() if p.ndim >= 2}.isdisjoint(expected)


@ALL
def test_every_parameter_has_a_layer_group(model_type: str, load: Callable[[str], PretrainedModel]) -> None:
    loaded = load(model_type)
    groups = GroupNorms(FlatParameters(loaded.model), loaded.new_parameters).groups
    assert groups == list(CASES[model_type].groups)
    for name in loaded.new_parameters:
        assert layer_group(name) in ("pooler", "classifier")


def dropout_places(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """Modules that drop out, and the name of the probability in each."""
    functional = [(module, "attention_dropout") for module in model.modules() if hasattr(module, "attention_dropout")]
    layers = [(module, "p") for module in model.modules() if isinstance(module, nn.Dropout)]
    return layers + [(module, name) for module, name in functional if not isinstance(getattr(module, name), nn.Module)]


@ALL
def test_dropout_is_set_wherever_it_acts(model_type: str, load: Callable[[str], PretrainedModel]) -> None:
    loaded = load(model_type)
    model = copy.deepcopy(loaded.model)
    draw_head(model, loaded.new_parameters, 1.0, torch.Generator().manual_seed(0))
    expected = logits(model.eval(), loaded)
    model.train()
    set_dropout(model, 0.25)
    places = dropout_places(model)
    assert [getattr(*place) for place in places] == [0.25] * len(places)
    set_dropout(model, 0.0)
    assert torch.equal(logits(model, loaded), expected)
    acting = 0
    for module, name in places:
        setattr(module, name, 0.5)
        acting += not torch.equal(logits(model, loaded), expected)
        setattr(module, name, 0.0)
    assert acting == CASES[model_type].dropouts


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    task = load_grammar(16, 10)
    monkeypatch.setattr(prepared, "load_task", lambda *_: task)
    yield
    prepared._prepare.cache_clear()


def trial(model: str, **changes: object) -> TrialConfig:
    return TrialConfig(
        model=model,
        model_revision="",
        task="grammar",
        task_fingerprint="tiny",
        hyperparameters=Hyperparameters(learning_rate=1e-3, max_steps=2, batch_size=8).replace(**changes),
        seed=0,
        recipe="x",
        config_index=0,
    )


@ALL
@pytest.mark.usefixtures("small")
def test_a_trial_runs(model_type: str, checkpoint: Callable[[str], Path]) -> None:
    folder = str(checkpoint(model_type))
    result = run_trial(trial(folder))
    assert result.steps == 2
    assert math.isfinite(result.score)
    assert result.train_loss == pytest.approx(result.chance_loss, abs=0.5)
    assert [p.layer_group for p in result.gradients if p.step == 0] == list(CASES[model_type].groups)
    assert all(p.norm > 0 for p in result.gradients)
    assert run_trial(trial(folder, dropout=0.0)).train_loss != result.train_loss


@pytest.mark.parametrize("model", EMBEDDED)
@pytest.mark.usefixtures("small")
def test_the_rate_of_every_step_is_the_formulas(model: str) -> None:
    result = run_trial(trial(model, learning_rate=1e-3, max_steps=10, warmup_ratio=0.2))
    # Two steps up from 0, then down by eighths.
    expected = [0.0, 0.5, 1.0, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]
    assert [point.learning_rate for point in result.curve] == pytest.approx([1e-3 * share for share in expected])


@pytest.mark.slow
@pytest.mark.parametrize("model", EMBEDDED)
class TestRealRuns:
    """The embedded models on their own task, with bias correction and the settings of their family."""

    @staticmethod
    def run(model: str, factor: float) -> TrialResult:
        rate = factor * reference_learning_rate(model)
        settings = {"learning_rate": rate, "num_epochs": 4, "max_steps": 0, "batch_size": 16}
        config = trial(model, **settings, **family_settings(model))
        return run_trial(dataclasses.replace(config, task_fingerprint=load_grammar().fingerprint))

    def test_the_reference_rate_learns(self, model: str) -> None:
        result = self.run(model, 1)
        assert result.score > 0.1
        assert result.train_loss < result.chance_loss
        assert result.gradient_end > result.gradient_start

    def test_a_hundred_times_that_rate_fails_as_its_gradients_vanish(self, model: str) -> None:
        result = self.run(model, 100)
        assert result.score == result.majority_score == 0
        assert result.predicted_share in ((0.0, 1.0), (1.0, 0.0))
        mode = failure_mode(result.train_loss, result.chance_loss, result.gradient_start, result.gradient_end)
        assert mode == "vanishing_gradients"
