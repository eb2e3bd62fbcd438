from __future__ import annotations

import importlib.util
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers.utils import logging

from tune_stability.errors import UserError
from tune_stability.models.catalog import EMBEDDED, revision
from tune_stability.models.loading import draw_head, load_model

MICRO_BERT = EMBEDDED["micro-bert"].folder
HEAD = frozenset({"classifier.weight", "classifier.bias"})


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    shutil.copytree(MICRO_BERT, folder)
    return folder


@pytest.mark.parametrize("num_labels", [2, 3])
def test_only_the_classifier_is_new(num_labels: int) -> None:
    loaded = load_model("micro-bert", num_labels)
    assert loaded.new_parameters == HEAD
    stored = load_file(MICRO_BERT / "model.safetensors")
    parameters = dict(loaded.model.named_parameters())
    for name in parameters.keys() - HEAD:
        assert torch.equal(parameters[name], stored[name]), name
    assert "bert.pooler.dense.weight" in parameters
    assert parameters["classifier.weight"].shape == (num_labels, 64)


def test_the_tokenizer_knows_the_language_and_nothing_else() -> None:
    tokenizer = load_model("micro-bert", 2).tokenizer
    assert len(tokenizer) == 140  # 134 words, the full stop and five special tokens
    unknown = tokenizer.unk_token_id
    assert unknown not in tokenizer("the dog which watches two cats greets a fox .")["input_ids"]
    assert tokenizer("the unicorn watches .")["input_ids"].count(unknown) == 1


def test_weights_are_fp32_whatever_the_checkpoint_has(copied: Path) -> None:
    path = copied / "model.safetensors"
    stored = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(path).items()}
    save_file(stored, path, metadata={"format": "pt"})
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16"}))
    loaded = load_model(str(copied), 2)
    assert {p.dtype for p in loaded.model.parameters()} == {torch.float32}
    assert loaded.new_parameters == HEAD
    weight = dict(loaded.model.named_parameters())["bert.pooler.dense.weight"]
    assert torch.equal(weight, stored["bert.pooler.dense.weight"].float())
    assert not torch.equal(weight, load_file(MICRO_BERT / "model.safetensors")["bert.pooler.dense.weight"])


def test_loading_is_silent_and_leaves_the_loudness_of_transformers(capfd: pytest.CaptureFixture[str]) -> None:
    logging.set_verbosity_info()
    try:
        load_model("micro-bert", 2)
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled()
        with pytest.raises(UserError):
            load_model("./gone", 2)
        assert logging.get_verbosity() == logging.INFO
    finally:
        logging.set_verbosity_warning()
    assert capfd.readouterr() == ("", "")


def remove_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def truncated_weights(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


def empty_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def half_a_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def empty_config(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def unknown_type(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "nonsense"}))


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (remove_weights, "no file named model.safetensors"),
        (truncated_weights, "cannot be loaded from"),
        (empty_weights, "cannot be loaded from"),
        (half_a_config, "is not a valid JSON file"),
        (empty_config, "cannot be loaded from"),
        (unknown_type, "model type `nonsense`"),
        (no_tokenizer, "has no tokenizer in"),
    ],
)
def test_a_broken_folder_is_refused_in_one_line(copied: Path, break_it: Callable[[Path], None], words: str) -> None:
    break_it(copied)
    with pytest.raises(UserError) as caught:
        load_model(str(copied), 2)
    message = str(caught.value)
    assert message.startswith(f"the model {str(copied)!r} ")
    assert words in message
    assert "\n" not in message


def test_code_beside_the_weights_is_not_run(copied: Path) -> None:
    config = json.loads((copied / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "theirs.Config", "AutoModelForSequenceClassification": "theirs.Model"}
    (copied / "config.json").write_text(json.dumps(config))
    (copied / "theirs.py").write_text("raise RuntimeError('this ran')")
    assert type(load_model(str(copied), 2).model).__module__.startswith("transformers.models.bert.")


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Net(nn.Module):
    def __init__(self, width: int = 400) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.Linear(4, 4)
        self.classifier = nn.Linear(width, width)


def test_a_head_is_drawn_from_a_normal_of_the_given_width_with_zero_bias() -> None:
    net = Net()
    encoder = net.encoder.weight.detach().clone()
    draw_head(net, HEAD, 0.02, generator(0))
    weight = net.classifier.weight.detach().double()
    # 160,000 draws: the mean to four of 5e-5, the deviation to four of 3.5e-5.
    assert weight.mean().item() == pytest.approx(0.0, abs=2e-4)
    assert weight.std().item() == pytest.approx(0.02, abs=1.4e-4)
    assert (weight.abs() > 0.04).double().mean().item() == pytest.approx(0.0455, abs=0.003)
    assert not net.classifier.bias.any()
    assert torch.equal(net.encoder.weight, encoder)
    assert net.classifier.weight.requires_grad


def test_a_head_is_set_by_the_generator_alone() -> None:
    heads = []
    for seed, global_seed in ((1, 0), (1, 99), (2, 0)):
        net = Net(8)
        torch.manual_seed(global_seed)
        before = torch.get_rng_state()
        draw_head(net, HEAD, 0.02, generator(seed))
        assert torch.equal(torch.get_rng_state(), before)
        heads.append(net.classifier.weight.detach())
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_a_head_of_several_parameters_does_not_depend_on_their_order() -> None:
    drawn = []
    for names in (["0.weight", "1.weight", "2.bias"], ["2.bias", "1.weight", "0.weight"]):
        net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
        draw_head(net, frozenset(names), 0.02, generator(4))
        drawn.append([net[0].weight.detach(), net[1].weight.detach()])
        assert not net[2].bias.any()
        assert net[1].bias.any()
    assert torch.equal(drawn[0][0], drawn[1][0])
    assert torch.equal(drawn[0][1], drawn[1][1])
    assert not torch.equal(drawn[0][0], drawn[0][1])


@pytest.mark.parametrize("std", [math.inf, math.nan])
def test_a_head_that_is_not_finite_is_refused(std: float) -> None:
    with pytest.raises(RuntimeError, match=r"classifier\.weight is not finite|expects std"):
        draw_head(Net(8), HEAD, std, generator(0))


def test_a_tokenizer_gives_what_its_model_takes(checkpoint: Callable[[str], Path]) -> None:
    texts = ("the dog", "a cat")
    assert set(load_model(str(checkpoint("distilbert")), 2).tokenizer(*texts)) == {"input_ids", "attention_mask"}
    assert "token_type_ids" in load_model(str(checkpoint("electra")), 2).tokenizer(*texts)


def test_a_tokenizer_that_needs_another_library_says_which(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    if importlib.util.find_spec("sentencepiece"):
        pytest.skip("sentencepiece is installed")
    shutil.copytree(checkpoint("deberta-v2"), tmp_path, dirs_exist_ok=True)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "spm.model").write_bytes(b"pieces")
    with pytest.raises(
        UserError, match=r"its tokenizer is a sentencepiece model; pip install sentencepiece protobuf\.$"
    ):
        load_model(str(tmp_path), 2)


def test_another_revision_than_expected_is_refused() -> None:
    assert load_model("micro-bert", 2, revision("micro-bert")).new_parameters
    with pytest.raises(UserError, match="expected 0123"):
        load_model("micro-bert", 2, "0123")
