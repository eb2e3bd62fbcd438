from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
import torch

from tune_stability.models.pretraining.architectures import ARCHITECTURES
from tune_stability.models.pretraining.batches import IGNORED, make_batch
from tune_stability.models.pretraining.spec import PretrainingSpec
from tune_stability.models.pretraining.tokenizers import NUM_SPECIAL

ALL = pytest.mark.parametrize("model", ARCHITECTURES)
SMALL = PretrainingSpec(batch_size=4)


def batch(model: str, spec: PretrainingSpec, seed: int = 0) -> dict[str, torch.Tensor]:
    architecture = ARCHITECTURES[model]
    return make_batch(architecture, spec, architecture.tokenizer(spec.max_positions), random.Random(seed))


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("micro-bert", {"token_type_ids", "next_sentence_label"}),
        ("micro-roberta", set()),
        ("micro-albert", {"token_type_ids", "sentence_order_label"}),
    ],
)
def test_a_batch_holds_what_the_model_takes(model: str, names: set[str]) -> None:
    got = batch(model, SMALL)
    assert set(got) == {"input_ids", "attention_mask", "labels"} | names
    assert got["input_ids"].shape == got["labels"].shape == got["attention_mask"].shape
    assert len(got["labels"]) == 4
    assert got["labels"].shape[1] <= SMALL.max_positions
    assert all(got[name].shape == (4,) for name in names if name.endswith("_label"))
    assert math.isfinite(ARCHITECTURES[model].build(SMALL, 140)(**got).loss.item())


@ALL
def test_masking_is_that_of_bert(model: str) -> None:
    spec = PretrainingSpec(batch_size=600)
    got, plain = batch(model, spec), batch(model, replace(spec, masked=0.0))
    ids, original, labels = got["input_ids"], plain["input_ids"], got["labels"]
    assert (plain["labels"] == IGNORED).all()
    words = original >= NUM_SPECIAL
    chosen = labels != IGNORED
    assert not (chosen & ~words).any()
    assert torch.equal(labels[chosen], original[chosen])
    assert torch.equal(ids[~chosen], original[~chosen])
    # About 9,600 words, 1,440 of them chosen: tolerances of about four standard deviations.
    assert (chosen.sum() / words.sum()).item() == pytest.approx(0.15, abs=0.015)
    masked = ids[chosen] == ARCHITECTURES[model].tokenizer(48).mask_token_id
    kept = ids[chosen] == original[chosen]
    assert masked.double().mean().item() == pytest.approx(0.8, abs=0.045)
    assert kept.double().mean().item() == pytest.approx(0.1 + 0.1 / 135, abs=0.035)
    replaced = ids[chosen][~masked & ~kept]
    assert (replaced >= NUM_SPECIAL).all()
    assert len(replaced.unique()) > 30


@ALL
def test_a_batch_is_set_by_its_generator(model: str) -> None:
    first, same, other = batch(model, SMALL), batch(model, SMALL), batch(model, SMALL, seed=1)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["input_ids"], other["input_ids"])
