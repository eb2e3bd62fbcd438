"""A task's texts as token tensors, and the order in which a run sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import PreTrainedTokenizerBase

from tune_stability.hyperparameters import Hyperparameters
from tune_stability.tasks.task import Task

SplitName = Literal["train", "validation"]
EVALUATION_BATCH_SIZE = 125


@dataclass(frozen=True)
class EncodedSplit:
    """A tokenized split. Every tensor of `inputs` has shape `(n, longest)`, `lengths` and `labels` `(n,)`."""

    inputs: dict[str, torch.Tensor]
    lengths: torch.Tensor
    labels: torch.Tensor

    def batch(self, index: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """The examples at `index`, shape `(batch,)`, padded to the longest of them, and their labels."""
        longest = int(self.lengths[index].max())
        return {name: tensor[index, :longest] for name, tensor in self.inputs.items()}, self.labels[index]

    def evaluation_batches(self) -> Iterator[torch.Tensor]:
        """Every index once, examples of like length together, which spares padding."""
        yield from torch.argsort(self.lengths, stable=True).split(EVALUATION_BATCH_SIZE)


def encode(task: Task, split_name: SplitName, tokenizer: PreTrainedTokenizerBase, h: Hyperparameters) -> EncodedSplit:
    """Tokenize one split, truncated to `max_seq_length` or to what the model takes, whichever is less."""
    split = getattr(task, split_name)
    texts = [list(split[column]) for column in task.text_columns]
    encoded = tokenizer(
        *texts,
        padding="longest",
        truncation=True,
        max_length=min(h.max_seq_length, tokenizer.model_max_length),
        return_tensors="pt",
    )
    inputs = dict(encoded)
    if not h.token_type_ids:
        inputs.pop("token_type_ids", None)
    return EncodedSplit(inputs, inputs["attention_mask"].sum(1), torch.tensor(list(split["label"])))


def training_batches(n: int, batch_size: int, num_epochs: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """The example indices of every step, each epoch in a new random order."""
    for _ in range(num_epochs):
        yield from torch.randperm(n, generator=generator).split(batch_size)
