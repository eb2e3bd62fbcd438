"""A task's texts as token tensors, and the order in which a run sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import PreTrainedTokenizerBase

from tune_stability.errors import UserError
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.tasks.task import Task

SplitName = Literal["train", "validation"]
EVALUATION_BATCH_SIZE = 125
GROUPED_BATCHES = 50


@dataclass(frozen=True)
class EncodedSplit:
    """A tokenized split. Every tensor of `inputs` has shape `(n, longest)`, `lengths` and `labels` `(n,)`."""

    inputs: dict[str, torch.Tensor]
    lengths: torch.Tensor
    labels: torch.Tensor

    def to(self, device: str) -> EncodedSplit:
        """The split with inputs and labels on a device, so that no step waits for them. Lengths stay where they are."""
        inputs = {name: tensor.to(device) for name, tensor in self.inputs.items()}
        return EncodedSplit(inputs, self.lengths, self.labels.to(device))

    def sample(self, size: int, seed: int) -> EncodedSplit:
        """`size` examples drawn without replacement, the same for the same seed; all of them for a size of 0.

        Raises `UserError` if the split has fewer.
        """
        if size == 0:
            return self
        if size > len(self.labels):
            raise UserError(f"train_size is {size}, the training set has {len(self.labels)} examples; ask for less.")
        drawn = torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(seed))[:size]
        inputs = {name: tensor[drawn] for name, tensor in self.inputs.items()}
        return EncodedSplit(inputs, self.lengths[drawn], self.labels[drawn])

    def batch(self, index: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """The examples at `index`, shape `(batch,)`, padded to the longest of them, and their labels."""
        longest = int(self.lengths[index].max())
        index = index.to(self.labels.device, non_blocking=True)
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


def training_batches(
    lengths: torch.Tensor, batch_size: int, group_by_length: bool, generator: torch.Generator
) -> Iterator[torch.Tensor]:
    """The example indices of step after step, without end: each epoch a new random order of all examples.

    With `group_by_length`, within stretches of `GROUPED_BATCHES` batches of that order the batches are cut from
    the examples sorted by length, and follow each other in random order.
    """
    n = len(lengths)
    while True:
        order = torch.randperm(n, generator=generator)
        if not group_by_length:
            yield from order.split(batch_size)
            continue
        stretches = [
            part[torch.argsort(lengths[part], stable=True)] for part in order.split(GROUPED_BATCHES * batch_size)
        ]
        batches = [batch for stretch in stretches for batch in stretch.split(batch_size)]
        yield from (batches[place] for place in torch.randperm(len(batches), generator=generator))
