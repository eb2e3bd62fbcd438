from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from transformers import AlbertForPreTraining, BertForPreTraining, RobertaForMaskedLM

from tune_stability.models import pretrain as pretraining
from tune_stability.models.catalog import revision
from tune_stability.models.loading import load_model
from tune_stability.models.pretraining.spec import PretrainingSpec

HEADS = {"micro-bert": BertForPreTraining, "micro-roberta": RobertaForMaskedLM, "micro-albert": AlbertForPreTraining}
TINY = PretrainingSpec(
    num_layers=2, hidden_size=16, num_heads=2, intermediate_size=16, steps=3, batch_size=4, warmup=2, seed=1
)


@pytest.fixture(autouse=True)
def _torch_as_before() -> Iterator[None]:
    # Pre-training owns its process: it sets the seed and the number of threads.
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    yield
    torch.set_rng_state(state)
    torch.set_num_threads(threads)


def weights(model: str, spec: PretrainingSpec, out: Path) -> bytes:
    pretraining.pretrain(model, spec, out)
    return (out / "model.safetensors").read_bytes()


@pytest.mark.parametrize("model", HEADS)
def test_the_same_spec_gives_the_same_weights_bit_for_bit(model: str, tmp_path: Path) -> None:
    first = weights(model, TINY, tmp_path / "a")
    torch.manual_seed(99)
    random.seed(99)
    assert weights(model, TINY, tmp_path / "b") == first
    assert weights(model, replace(TINY, seed=2), tmp_path / "c") != first
    assert weights(model, replace(TINY, learning_rate=1e-4), tmp_path / "d") != first


def test_micro_bert_is_made_as_it_always_was(tmp_path: Path) -> None:
    # Its weights are in every stored trial's id. Computed when it was the only model; other processors differ late.
    pretraining.pretrain("micro-bert", replace(TINY, steps=40, learning_rate=1e-2), tmp_path)
    (entry,) = json.loads((tmp_path / "pretraining.json").read_text())["log"]
    assert entry["loss"] == pytest.approx(5.3667, abs=1e-3)


@pytest.mark.parametrize("model", HEADS)
def test_the_folder_holds_a_model_to_fine_tune(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "folder"
    sizes = ["--steps", "101", "--batch-size", "4", "--hidden-size", "16", "--num-layers", "1"]
    pretraining.main(["--model", model, "--out", str(out), *sizes])
    record = json.loads((out / "pretraining.json").read_text())
    # What is not given is the model's own: ALBERT has no dropout.
    dropout = 0.0 if model == "micro-albert" else 0.1
    spec = PretrainingSpec(steps=101, batch_size=4, hidden_size=16, num_layers=1, dropout=dropout)
    assert record["spec"] == asdict(spec)
    assert [entry["step"] for entry in record["log"]] == [100, 101]
    accuracies = {"masked_word_accuracy"} | ({"pair_accuracy"} if model != "micro-roberta" else set())
    for entry in record["log"]:
        assert set(entry) == {"step", "loss"} | accuracies
        assert 0 < entry["loss"] < 8
        assert all(0 <= entry[name] <= 1 for name in accuracies)
    assert '"step": 101' in capsys.readouterr().out
    trained = HEADS[model].from_pretrained(out)
    assert record["parameters"] == trained.num_parameters()
    assert (trained.config.num_hidden_layers, trained.config.hidden_size) == (1, 16)
    assert all(name.startswith("classifier.") for name in load_model(str(out), 2).new_parameters)
    assert revision(str(out)) != revision(model)


def test_the_default_is_the_model_that_was_first(tmp_path: Path) -> None:
    pretraining.main(["--out", str(tmp_path / "a"), "--steps", "1", "--batch-size", "2"])
    weights("micro-bert", PretrainingSpec(steps=1, batch_size=2), tmp_path / "b")
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_unknown_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        pretraining.main(["--model", "micro-gpt", "--out", str(tmp_path)])
    assert "micro-roberta" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("steps", "warmup", "expected"),
    [
        # Up by quarters, then down by quarters; the last step still has a rate.
        (8, 4, [0.25, 0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.25]),
        (3, 1, [1.0, 1.0, 0.5]),
        (2, 0, [1.0, 0.5]),
        (2, 4, [0.25, 0.5]),
    ],
)
def test_the_rate_rises_over_the_warmup_and_falls_to_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, warmup: int, expected: list[float]
) -> None:
    used: list[float] = []

    class Recording(torch.optim.AdamW):
        def step(self, closure: None = None) -> None:  # type: ignore[override]
            used.append(self.param_groups[0]["lr"])
            super().step(closure)

    monkeypatch.setattr(torch.optim, "AdamW", Recording)
    pretraining.pretrain("micro-bert", replace(TINY, steps=steps, warmup=warmup, learning_rate=1e-3), tmp_path)
    assert used == pytest.approx([1e-3 * share for share in expected], abs=1e-15)
