from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from tune_stability.errors import UserError
from tune_stability.models.catalog import EMBEDDED
from tune_stability.models.loading import load_model

MICRO_BERT = EMBEDDED["micro-bert"].folder


@pytest.fixture(autouse=True)
def _torch_as_before() -> Any:
    with torch.random.fork_rng():
        yield


def refusal(folder: Path, num_labels: int = 2) -> str:
    with pytest.raises(UserError) as caught:
        load_model(str(folder), num_labels)
    message = str(caught.value)
    assert message.startswith(f"the model {str(folder)!r} ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("own", [1, 2, 3])
@pytest.mark.parametrize("asked", [2, 3])
@pytest.mark.parametrize("model_type", ["bert", "xlm-roberta", "distilbert", "deberta-v2", "modernbert"])
def test_a_head_of_its_own(
    own: int, asked: int, model_type: str, checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    # One label is a regression.
    folder = with_head(checkpoint(model_type), tmp_path, "AutoModelForSequenceClassification", own)
    expected = f" for {own} labels, the task has {asked}; give a model" if own != asked else " already; give one"
    assert refusal(folder, asked) == (
        f"the model {str(folder)!r} holds a classification head{expected} that is only pre-trained."
    )


@pytest.mark.parametrize("model_type", ["bert", "distilbert"])
def test_a_head_for_tokens_is_a_head_too(model_type: str, checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    # Its output layer has the name of the one to draw, and BERT's pooler is missing.
    folder = with_head(checkpoint(model_type), tmp_path, "AutoModelForTokenClassification", 2)
    assert "holds a classification head already" in refusal(folder)


def with_head(base: Path, folder: Path, auto_class: str, num_labels: int) -> Path:
    shutil.copytree(base, folder, dirs_exist_ok=True)
    model = getattr(transformers, auto_class).from_pretrained(base, num_labels=num_labels)
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "model_type", ["bert", "roberta", "xlm-roberta", "albert", "distilbert", "electra", "deberta-v2", "modernbert"]
)
def test_a_masked_language_model_is_only_pre_trained(
    model_type: str, checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    # As the hub has them: with the weights that predict words, and often without a pooler.
    folder = with_head(checkpoint(model_type), tmp_path, "AutoModelForMaskedLM", 2)
    loaded = load_model(str(folder), 3)
    base = load_model(str(checkpoint(model_type)), 3)
    if model_type == "modernbert":
        # Its head is that of the language model.
        assert loaded.new_parameters == {"classifier.weight", "classifier.bias"}
    else:
        assert {name for name in loaded.new_parameters ^ base.new_parameters if ".pooler." not in name} == set()


SIZES = {"vocab_size": 140, "num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 8, "intermediate_size": 8}


@pytest.mark.parametrize(
    ("model_type", "settings"),
    [
        ("gpt2", {"vocab_size": 140, "n_embd": 8, "n_layer": 1, "n_head": 2}),
        ("llama", SIZES),
        ("modernbert-decoder", SIZES),
        ("bart", {"vocab_size": 140, "d_model": 8, "encoder_layers": 1, "decoder_layers": 1}),
        ("t5", {"vocab_size": 140, "d_model": 8, "num_layers": 1}),
        ("bert", {**SIZES, "is_decoder": True}),
    ],
)
def test_what_is_no_encoder_is_refused_by_its_config(model_type: str, settings: Any, tmp_path: Path) -> None:
    # No weights: they need not be read, or fetched, to know.
    transformers.AutoConfig.for_model(model_type, **settings).save_pretrained(tmp_path)
    message = refusal(tmp_path)
    assert f"is of the type {model_type}, which is no encoder; give one such as BERT, RoBERTa" in message


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.ckpt"])
def test_weights_in_a_pickle_are_refused_unread(name: str, tmp_path: Path) -> None:
    shutil.copytree(MICRO_BERT, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / name).write_bytes(b"not even a pickle")
    message = refusal(tmp_path)
    assert f"has weights only as a pickle, {name}, which can run code when it is read; give weights in" in message
    (tmp_path / name).unlink()
    assert "no file named model.safetensors" in refusal(tmp_path)


def test_a_pickle_beside_safe_weights_is_left_alone(tmp_path: Path) -> None:
    shutil.copytree(MICRO_BERT, tmp_path, dirs_exist_ok=True)
    (tmp_path / "pytorch_model.bin").write_bytes(b"not even a pickle")
    assert load_model(str(tmp_path), 2).new_parameters == {"classifier.weight", "classifier.bias"}


ONE_WEIGHT = "bert.encoder.layer.2.output.dense.weight"


def without_it(weights: dict[str, torch.Tensor]) -> None:
    del weights[ONE_WEIGHT]


def of_another_shape(weights: dict[str, torch.Tensor]) -> None:
    weights[ONE_WEIGHT] = weights[ONE_WEIGHT][:, :-1].contiguous()


def of_another_architecture(weights: dict[str, torch.Tensor]) -> None:
    for name in list(weights):
        weights["other." + name] = weights.pop(name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_it, f"its weights lack {ONE_WEIGHT}."),
        (of_another_shape, f"its {ONE_WEIGHT} has the shape (64, 127), not its config's."),
        (of_another_architecture, "its weights lack bert.embeddings.LayerNorm.bias."),
    ],
)
def test_weights_that_are_not_whole(
    change: Callable[[dict[str, torch.Tensor]], None], words: str, tmp_path: Path
) -> None:
    shutil.copytree(MICRO_BERT, tmp_path, dirs_exist_ok=True)
    weights = load_file(tmp_path / "model.safetensors")
    change(weights)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert refusal(tmp_path).endswith(f"cannot be loaded from {str(tmp_path)!r}: {words}")
