"""A task's texts as token tensors, and the order in which a run sees them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import PreTrainedTokenizerBase

from tune_stability.errors import UserError
from tune_stability.hyperparameters import Hyperparameters
from tune_stability.tasks.checked import check_train_size
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

    def batch(self, index: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """The examples at `index`, shape `(batch,)`, padded to the longest of them, and their labels."""
        longest = int(self.lengths[index].max())
        index = index.to(self.labels.device, non_blocking=True)
        return {name: tensor[index, :longest] for name, tensor in self.inputs.items()}, self.labels[index]

    def evaluation_batches(self) -> Iterator[torch.Tensor]:
        """Every index once, examples of like length together, which spares padding."""
        yield from torch.argsort(self.lengths, stable=True).split(EVALUATION_BATCH_SIZE)


def encode(
    task: Task,
    split_name: SplitName,
    tokenizer: PreTrainedTokenizerBase,
    h: Hyperparameters,
    limit: int | None = None,
) -> EncodedSplit:
    """Tokenize one split, or what is drawn of the training set, truncated to `max_seq_length`, as the paper did.

    `limit` is how many tokens the model takes, by default as many as its tokenizer says. Raises `UserError` if that is
    below `max_seq_length` and a text is longer: a model's end of positions is nobody's choice. Also if what is drawn
    has one class only.
    """
    split = getattr(task, split_name)
    columns = [split[column][:] for column in (*task.text_columns, "label")]
    if split_name == "train" and h.train_size:
        rows = drawn_rows(len(split), h.train_size, h.train_seed)
        columns = [[column[row] for row in rows] for column in columns]
        if len(set(columns[-1])) == 1:
            raise UserError(
                f"the {len(rows)} training examples drawn with train_seed {h.train_seed} have one class only, two are "
                "needed at least; draw more, or with another --train-seed."
            )
    *texts, labels = columns
    limit = tokenizer.model_max_length if limit is None else limit
    encoded = tokenizer(
        *texts, padding="longest", truncation=True, max_length=min(h.max_seq_length, limit), return_tensors="pt"
    )
    inputs = dict(encoded)
    lengths = inputs["attention_mask"].sum(1)
    if limit < h.max_seq_length:
        _check_none_cut(texts, (lengths == limit).nonzero().flatten().tolist(), tokenizer, limit, h.max_seq_length)
    if not h.token_type_ids:
        inputs.pop("token_type_ids", None)
    return EncodedSplit(inputs, lengths, torch.tensor(labels))


def drawn_rows(available: int, size: int, seed: int) -> list[int]:
    """`size` of `available` rows, drawn without replacement, the same for the same seed.

    Raises `UserError` if there are fewer.
    """
    check_train_size(size, available)
    drawn: list[int] = torch.randperm(available, generator=torch.Generator().manual_seed(seed))[:size].tolist()
    return drawn


def check_texts_fit(task: Task, tokenizer: PreTrainedTokenizerBase, h: Hyperparameters, limit: int) -> None:
    """Raise the `UserError` that `encode` would, at no cost where the model takes `max_seq_length` tokens."""
    if limit < h.max_seq_length:
        encode(task, "train", tokenizer, h, limit)
        encode(task, "validation", tokenizer, h, limit)


def _check_none_cut(
    texts: list[list[str]], full: list[int], tokenizer: PreTrainedTokenizerBase, limit: int, wanted: int
) -> None:
    """Raise `UserError` if one of the examples at `full`, which have `limit` tokens, was longer."""
    if not full:
        return
    whole = tokenizer(*[[column[row] for row in full] for column in texts], verbose=False)["input_ids"]
    longest = max(len(tokens) for tokens in whole)
    if longest > limit:
        raise UserError(
            f"the model takes {limit} tokens, max_seq_length is {wanted} and the longest text has {longest}; "
            f"cut the texts with --set max_seq_length={limit}, or take another model."
        )


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
