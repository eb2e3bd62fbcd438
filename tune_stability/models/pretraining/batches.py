"""Batches of masked text."""

from __future__ import annotations

import random

import torch
from transformers import PreTrainedTokenizerBase

from tune_stability.models.pretraining.architectures import Architecture
from tune_stability.models.pretraining.spec import PretrainingSpec
from tune_stability.models.pretraining.tokenizers import NUM_SPECIAL

IGNORED = -100


def make_batch(
    architecture: Architecture, spec: PretrainingSpec, tokenizer: PreTrainedTokenizerBase, rng: random.Random
) -> dict[str, torch.Tensor]:
    """One batch of masked examples, drawn and masked anew: tensors of shape `(batch_size, length)`.

    The labels of pairs, shape `(batch_size,)`, stand under the name that the architecture gives them.
    """
    firsts, seconds, labels = zip(*(architecture.draw(rng) for _ in range(spec.batch_size)), strict=True)
    texts = [list(firsts)] if seconds[0] is None else [list(firsts), list(seconds)]
    batch = dict(tokenizer(*texts, padding=True, return_tensors="pt"))
    batch["input_ids"], batch["labels"] = _mask(spec, tokenizer, batch["input_ids"], rng)
    if architecture.pair_label:
        batch[architecture.pair_label] = torch.tensor(labels)
    return batch


def _mask(
    spec: PretrainingSpec, tokenizer: PreTrainedTokenizerBase, ids: torch.Tensor, rng: random.Random
) -> tuple[torch.Tensor, torch.Tensor]:
    # Devlin et al. 2019, appendix A.1: of the chosen words 80 % are masked, 10 % replaced, 10 % kept.
    generator = torch.Generator().manual_seed(int(rng.random() * 2**31))
    chance = torch.rand(ids.shape, generator=generator)
    replacement = torch.randint(NUM_SPECIAL, len(tokenizer), ids.shape, generator=generator)
    chosen = (torch.rand(ids.shape, generator=generator) < spec.masked) & (ids >= NUM_SPECIAL)
    labels = torch.where(chosen, ids, IGNORED)
    masked = torch.where(chosen & (chance < 0.8), tokenizer.mask_token_id, ids)
    return torch.where(chosen & (chance >= 0.9), replacement, masked), labels
